#!/usr/bin/env bash
# ./test.sh [--ci | --long] [FILTER]: builds, runs the tests, ends with "N passed, N failed, N skipped".
#   default  under 12 minutes on 2 cores; --ci adds the short forms of the long proofs; --long runs everything
#   FILTER   only tests whose full name contains it
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
. build/sdk.sh
length=default
filter=
for argument in "$@"; do
  case "$argument" in
    --ci) length=ci ;;
    --long) length=long ;;
    -h|--help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "test.sh: unknown option $argument (see --help)" >&2; exit 2 ;;
    *) [ -z "$filter" ] || { echo "test.sh: one FILTER, not '$filter' and '$argument' (see --help)" >&2; exit 2; }; filter=$argument ;;
  esac
done
need_sdk
. build/test-prerequisites.sh
dotnet build FederatedDpLlm.slnx -c Release -v quiet --nologo || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

arguments=(--no-progress --output Normal)
case "$length" in
  default) arguments+=(--filter-not-trait length=ci --filter-not-trait length=long) ;;
  ci) arguments+=(--filter-not-trait length=long) ;;
esac
[ -z "$filter" ] || arguments+=(--filter-method "*$filter*")

passed=0 failed=0 skipped=0
for project in tests/*.Tests; do
  name=$(basename "$project")
  log="artifacts/test-$name.log"
  started=$SECONDS
  # Where it takes the place for a terminal the runner colours its summary: the colours are taken out.
  dotnet "artifacts/bin/$name/release/$name.dll" "${arguments[@]}" 2>&1 | sed $'s/\x1b\\[[0-9;]*m//g' >"$log"
  code=${PIPESTATUS[0]}
  p=$(sed -n 's/^ *succeeded: \([0-9]*\).*/\1/p' "$log" | tail -1)
  f=$(sed -n 's/^ *failed: \([0-9]*\).*/\1/p' "$log" | tail -1)
  s=$(sed -n 's/^ *skipped: \([0-9]*\).*/\1/p' "$log" | tail -1)
  # 8: no test matched the filter. Any other failing end without a counted failure (a crash) is a failure of its own.
  if [ "$code" -ne 0 ] && [ "$code" -ne 8 ] && [ "${f:-0}" -eq 0 ]; then f=1; fi
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  echo "$name: ${p:-0} passed, ${f:-0} failed, ${s:-0} skipped in $((SECONDS - started)) s"
  grep -E '^ *skipped ' "$log" -A1 | grep -v '^--' | head -40
  [ "${f:-0}" -eq 0 ] || { echo "--- $log"; tail -n 200 "$log"; }
done
if [ "$((passed + failed))" -eq 0 ]; then echo "No test ran${filter:+ (filter: $filter)}."; failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
