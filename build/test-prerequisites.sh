# Sourced by test.sh: installs what the tests need where it may (root on Debian), and says what is missing where it may not.
# Tests that miss a program skip with its name.
install_debian() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  [ -n "${apt_updated:-}" ] || { apt-get update -qq >/dev/null 2>&1; apt_updated=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}
command -v chromium >/dev/null 2>&1 || install_debian chromium || echo "chromium is missing: the test of the page will skip." >&2
command -v curl >/dev/null 2>&1 || install_debian curl || echo "curl is missing: the tests of the README's commands will skip." >&2
command -v git >/dev/null 2>&1 || install_debian git || echo "git is missing: the known answers of llama.cpp's tokenizers will skip." >&2
command -v objdump >/dev/null 2>&1 || install_debian binutils || echo "objdump is missing: a test of the kernels' machine code will skip." >&2
command -v npm >/dev/null 2>&1 || install_debian nodejs npm || echo "npm is missing: the tests with the official OpenAI client will skip." >&2
clients="$root/tests/FederatedDpLlm.EndToEnd.Tests/clients"
if command -v npm >/dev/null 2>&1 && [ "$clients/package-lock.json" -nt "$clients/node_modules/.package-lock.json" ]; then
  npm ci --prefix "$clients" --no-audit --no-fund --silent >/dev/null 2>&1 || echo "npm ci failed: the tests with the official OpenAI client and the browser will skip." >&2
fi
# llama.cpp, the judge of exported models: a prebuilt library from npm, and the tokenizer files of its source, which the package carries as a git bundle.
judge="$root/tests/Judge"
if command -v npm >/dev/null 2>&1 && [ ! -d "$judge/node_modules/node-llama-cpp" ]; then
  # Not npm ci: a lock file cannot name the optional packages of platforms that a registry lacks. Versions are exact in package.json.
  npm install --prefix "$judge" --no-package-lock --omit=optional --ignore-scripts --no-audit --no-fund --silent >/dev/null 2>&1 || echo "npm install failed: the tests against llama.cpp will skip." >&2
fi
bundle="$judge/node_modules/node-llama-cpp/llama/gitRelease.bundle"
if [ -f "$bundle" ] && [ ! -d "$judge/node_modules/.vocabularies" ]; then
  rm -rf "$judge/node_modules/.source"
  git clone -q --no-checkout "$bundle" "$judge/node_modules/.source" >/dev/null 2>&1 &&
    mkdir -p "$judge/node_modules/.vocabularies" &&
    git -C "$judge/node_modules/.source" archive HEAD models 2>/dev/null | tar -x -C "$judge/node_modules/.vocabularies" --strip-components=1 --wildcards 'models/ggml-vocab-*' ||
    echo "llama.cpp's tokenizer files could not be unpacked: their known answers will skip." >&2
  rm -rf "$judge/node_modules/.source"
fi
