#!/usr/bin/env bash
# build/fuzz.sh list | DECODER [SECONDS]: afl-fuzz on one decoder of the secure aggregation core, instrumented by SharpFuzz.
# Needs afl++ (Debian). Findings go to artifacts/fuzz/DECODER; keep one as a test by copying it to
# tests/FederatedDpLlm.SecureAggregation.Tests/Seeds/DECODER/.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/build/sdk.sh"
case "${1:-}" in ''|-h|--help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
need_sdk
project=FederatedDpLlm.SecureAggregation.Fuzz
decoder=$1 seconds=${2:-60}
binaries="$root/artifacts/fuzz/bin"
rm -rf "$binaries" && mkdir -p "$binaries"   # an assembly is instrumented once
dotnet publish "$root/tests/$project/$project.csproj" -c Release -v quiet --nologo -o "$binaries" -nodeReuse:false 1>&2
[ "$decoder" != list ] || exec dotnet "$binaries/$project.dll" list
command -v afl-fuzz >/dev/null || { echo "fuzz.sh: afl-fuzz is missing (apt-get install afl++)" >&2; exit 2; }
tool="$root/artifacts/tools/sharpfuzz"
[ -x "$tool" ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path "$root/artifacts/tools" 1>&2
dotnet "$binaries/$project.dll" seeds "$root/artifacts/fuzz/seeds"
"$tool" "$binaries/FederatedDpLlm.SecureAggregation.dll" 1>&2
AFL_SKIP_BIN_CHECK=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
  afl-fuzz -i "$root/artifacts/fuzz/seeds/$decoder" -o "$root/artifacts/fuzz/$decoder" -t 10000 -m none -V "$seconds" \
  -- dotnet "$binaries/$project.dll" "$decoder" >"$root/artifacts/fuzz/$decoder.log" 2>&1 || { tail -20 "$root/artifacts/fuzz/$decoder.log" >&2; exit 1; }
stats="$root/artifacts/fuzz/$decoder/default/fuzzer_stats"
grep -E '^(execs_done|execs_per_sec|corpus_count|saved_crashes|saved_hangs|run_time)' "$stats"
[ "$(awk '/^saved_crashes/ {print $3}' "$stats")" = 0 ]
