#!/usr/bin/env bash
# A federation on this machine: a router, four hospital nodes, private answers. The same as ./fedllm demo.
exec "$(dirname "${BASH_SOURCE[0]}")/fedllm" demo "$@"
