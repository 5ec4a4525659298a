// The page: asks the router once a second and shows what it says. Every text goes in as text, never as markup.
const every = 1000;
const patience = 4000;
const tokenKey = 'federation-token';
const byId = (id) => document.getElementById(id);
let lastSeen = null;

// A token in the address is taken out of it at once, so that it is in no history and no screenshot.
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
  sessionStorage.setItem(tokenKey, given);
  history.replaceState(null, '', location.pathname);
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(tokenKey, byId('token').value.trim());
  byId('token').value = '';
  byId('sign-in-trouble').textContent = '';
  refresh();
});

const number = (value, digits = 2) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const clock = (text) => new Date(text).toLocaleTimeString('en-GB');

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === 'style') { Object.assign(made.style, value); } else if (key in made) { made[key] = value; } else { made.setAttribute(key, value); }
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function bar(spent, held, budget, label) {
  const share = (part) => `${budget > 0 ? Math.min(100, (100 * part) / budget) : 100}%`;
  return element('div', { className: 'bar', role: 'img', 'aria-label': label },
    element('span', { className: 'spent', style: { width: share(spent) } }), element('span', { className: 'held', style: { width: share(held) } }));
}

function fact(name, value) {
  return element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value }));
}

function account(one) {
  const left = Math.max(0, one.budget - one.spent - one.reserved);
  const percent = one.budget > 0 ? (100 * (one.spent + one.reserved)) / one.budget : 100;
  return element('div', { className: 'account' },
    element('p', { className: 'name', textContent: one.id }),
    bar(one.spent, one.reserved, one.budget, `${number(percent, 1)} % used`),
    element('p', {}, element('strong', { textContent: `epsilon ${number(one.epsilonRemaining)} left` }), ` of ${number(one.epsilonBudget)} at delta ${one.delta.toExponential()}`),
    element('p', { className: 'quiet', textContent: `${one.unit} ${number(one.spent, 4)} spent · ${number(one.reserved, 4)} held · ${number(left, 4)} left · never refills` }));
}

// What the engine works on, of how much it can, and what waits for it.
function engine(load) {
  if (!load) { return '–'; }
  return `${load.running}${load.slots === null ? '' : ` of ${load.slots}`} busy${load.waiting === null ? '' : `, ${load.waiting} waiting`}`;
}

const looks = { answers: '', down: ' down', 'left alone': ' down' };

function hospital(one) {
  return element('article', { className: `card${looks[one.state] ?? ' doubtful'}`, 'data-hospital': one.id },
    element('h3', {}, one.id, element('span', { className: 'state', textContent: one.state })),
    one.healthy && !one.trouble ? null : element('p', { className: 'quiet', textContent: `${one.trouble ?? 'no answer'}${one.lastSeen ? `; last seen ${clock(one.lastSeen)}` : ''}` }),
    element('dl', {},
      fact('voters', one.voters ?? '–'), fact('weights', one.modelDigest ? one.modelDigest.slice(0, 12) : '–'),
      fact('in flight', one.inFlight), fact('latency', one.latencyMilliseconds > 0 ? `${number(one.latencyMilliseconds, 0)} ms` : '–'),
      fact('noise at router', one.routerNoiseAllowed ? 'allowed' : 'refused'), fact('engine', engine(one.engine))),
    ...one.accounts.map(account));
}

function quota(one) {
  // Parts, which a narrow screen sets below each other.
  const at = one.resetsAt ? new Date(one.resetsAt).toISOString() : '';
  const resets = at ? [`${one.reset}, `, `${at.slice(0, 10)} `, `${at.slice(11, 16)} UTC`] : ['never'];
  return element('tr', { 'data-account': one.id },
    element('td', { textContent: one.id }),
    element('td', {}, bar(one.spent, one.reserved, one.budget, `${number(one.budget > 0 ? (100 * (one.spent + one.reserved)) / one.budget : 100, 1)} % used`)),
    element('td', { className: 'number', textContent: number(one.spent) }), element('td', { className: 'number', textContent: number(one.reserved) }),
    element('td', { className: 'number', textContent: number(one.remaining) }), element('td', { className: 'number', textContent: `${number(one.budget)} ${one.unit}` }),
    element('td', {}, ...resets.map((part) => element('span', { textContent: part }))));
}

function request(one) {
  return element('tr', { 'data-request': one.requestId },
    ...[clock(one.at), one.user, `${one.department}, ${one.purpose}`, one.mechanism, one.trust, one.strategy ?? '–'].map((text) => element('td', { textContent: text })),
    element('td', { textContent: one.nodes.length > 1 ? `${one.nodes.length} hospitals` : one.nodes[0] ?? '–', title: one.nodes.join(', ') }),
    element('td', { className: 'number', textContent: number(one.epsilon) }),
    element('td', { className: 'number', textContent: `${number(one.latencyMilliseconds, 0)} ms` }),
    element('td', { className: one.outcome.startsWith('answered') ? 'good' : 'bad', textContent: one.outcome }));
}

function show(state) {
  byId('federation-name').textContent = state.federation;
  byId('models').textContent = state.models.length ? `serves ${state.models.join(', ')} · default strategy ${state.strategy}` : 'no hospital answers now';
  byId('hospitals').replaceChildren(...state.hospitals.map(hospital));
  byId('quotas').replaceChildren(...state.quotas.map(quota));
  byId('requests').replaceChildren(...(state.requests.length
    ? state.requests.slice(0, 50).map(request)
    : [element('tr', {}, element('td', { className: 'empty', colSpan: 10, textContent: 'No request yet.' }))]));
  const lefts = state.hospitals.flatMap((one) => one.accounts.map((each) => each.epsilonRemaining));
  byId('data-left').textContent = lefts.length ? `the one with least has epsilon ${number(Math.min(...lefts))} left for ever` : 'none is known now';
}

function live(className, text) {
  byId('live').className = `live ${className}`;
  // Only a change is said aloud.
  if (byId('live').textContent !== text) { byId('live').textContent = text; }
  document.body.classList.toggle('stale', className !== 'on');
}

async function refresh() {
  const token = sessionStorage.getItem(tokenKey);
  try {
    const answer = await fetch('/v1/federation', { headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: 'no-store', signal: AbortSignal.timeout(patience) });
    if (answer.status === 401) {
      if (token) { byId('sign-in-trouble').textContent = 'This token does not open the page. It needs the role privacy-officer or operator.'; }
      // Not one that was typed in meanwhile.
      if (sessionStorage.getItem(tokenKey) === token) { sessionStorage.removeItem(tokenKey); }
      byId('sign-in').hidden = false;
      byId('content').hidden = true;
      live('waiting', 'a token is needed');
      return;
    }
    if (!answer.ok) { throw new Error(`${answer.status}`); }
    show(await answer.json());
    lastSeen = new Date();
    byId('sign-in').hidden = true;
    byId('content').hidden = false;
    live('on', 'live');
  } catch {
    live('off', lastSeen ? `not live since ${lastSeen.toLocaleTimeString('en-GB')}` : 'the router does not answer');
  }
}

// One question at a time: a router that hangs is noticed, and none pile up before it.
for (;;) {
  await refresh();
  await new Promise((resolve) => setTimeout(resolve, every));
}
