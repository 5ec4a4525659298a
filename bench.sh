#!/usr/bin/env bash
# ./bench.sh list | NAME [--now]: one JSON line per setting of a claim on standard output, the worst last. Waits up to 3 minutes
# for a quiet machine and says in each line whether it was; --now does not wait.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/build/sdk.sh"
case "${1:-}" in -h|--help) sed -n '2,3s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
need_sdk
dotnet build "$root/bench/FederatedDpLlm.Benchmarks/FederatedDpLlm.Benchmarks.csproj" -c Release -v quiet --nologo 1>&2
exec dotnet "$root/artifacts/bin/FederatedDpLlm.Benchmarks/release/FederatedDpLlm.Benchmarks.dll" "$@"
