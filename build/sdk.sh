# Sourced by the scripts: says clearly what is missing.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
need_dotnet() {
  if ! command -v dotnet >/dev/null 2>&1; then
    echo "The .NET 10 SDK is missing: 'dotnet' is not on the PATH. Install the SDK, version 10.0, and run this again." >&2
    exit 1
  fi
}
need_sdk() {
  need_dotnet
  if ! dotnet --list-sdks | grep -q '^10\.'; then
    echo "The .NET 10 SDK is missing: found $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' ')only. Install the SDK, version 10.0, and run this again." >&2
    exit 1
  fi
}
