#!/usr/bin/env bash
# ./bench.sh list | NAME: one JSON line per claim on standard output.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/build/sdk.sh"
need_sdk
dotnet build "$root/bench/FederatedDpLlm.Benchmarks/FederatedDpLlm.Benchmarks.csproj" -c Release -v quiet --nologo 1>&2
exec dotnet "$root/artifacts/bin/FederatedDpLlm.Benchmarks/release/FederatedDpLlm.Benchmarks.dll" "$@"
