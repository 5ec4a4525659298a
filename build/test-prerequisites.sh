# Sourced by test.sh: installs what the tests need where it may (root on Debian), and says what is missing where it may not.
# Tests that miss a program skip with its name.
install_debian() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  [ -n "${apt_updated:-}" ] || { apt-get update -qq >/dev/null 2>&1; apt_updated=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}
command -v chromium >/dev/null 2>&1 || install_debian chromium || echo "chromium is missing: the test of the page will skip." >&2
command -v curl >/dev/null 2>&1 || install_debian curl || echo "curl is missing: the tests of the README's commands will skip." >&2
command -v npm >/dev/null 2>&1 || install_debian nodejs npm || echo "npm is missing: the tests with the official OpenAI client will skip." >&2
clients="$root/tests/FederatedDpLlm.EndToEnd.Tests/clients"
if command -v npm >/dev/null 2>&1 && [ ! -d "$clients/node_modules/openai" ]; then
  npm ci --prefix "$clients" --no-audit --no-fund --silent >/dev/null 2>&1 || echo "npm ci failed: the tests with the official OpenAI client and the browser will skip." >&2
fi
