#!/usr/bin/env bash
# build/mutate.sh PROJECT [--sample N] [--files GLOB,GLOB] [--tests GLOB,GLOB] [--seed S] [--seconds S] [--minutes M] [--again REPORT]
#   How many small wrong changes of src/PROJECT do the tests of tests/PROJECT.Tests (of the default length) notice? Survivors on standard error and in
#   artifacts/mutation/PROJECT/report.txt, one line of JSON with the score at the end for each seed and each set of files.
#   --sample   mutants to try of each set of files, picked at random by the seed (300); --seed 1,2 for several samples; --files as 'Sampling/*,Accounting/*', and ';' between sets;
#   --tests    as '*.Sampling.*,!*Slow*' leaves other tests out;
#   --seconds: of the tests that reach a mutant, the fastest that take so much processor time together (15); --minutes in all;
#   --again    a copy of an earlier report of the same code: what it says was killed is not tried again, more tests cannot let it live
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/build/sdk.sh"
case "${1:-}" in ''|-h|--help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ -d "$root/src/$1" ] && [ -d "$root/tests/$1.Tests" ] || { echo "mutate.sh: there are no src/$1 and tests/$1.Tests" >&2; exit 2; }
need_sdk
dotnet build "$root/tests/$1.Tests" -c Release -v quiet --nologo 1>&2
dotnet build "$root/build/mutation" -c Release -v quiet --nologo 1>&2
exec dotnet "$root/artifacts/bin/FederatedDpLlm.Mutation/release/FederatedDpLlm.Mutation.dll" "$root" "$@"
