using System.Globalization;
using System.Text.Json;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>A refusal in OpenAI's error shape, with its status and headers.</summary>
internal sealed record OpenAiError(int Status, string Type, string? Code, string Message, string? Param = null, AccountResponse? Account = null, double? RetryAfterSeconds = null)
{
    /// <summary>Whether this request is charged, or may be: official clients repeat a 5xx by themselves, and every repetition would be charged again.</summary>
    public bool MayHaveSpent { get; init; }

    /// <summary>The same for every reason: whoever shows a wrong token learns nothing else.</summary>
    public static OpenAiError Unauthorized { get; } = new(StatusCodes.Status401Unauthorized, "invalid_request_error", "invalid_api_key", "A valid bearer token is needed.");

    /// <summary>Whether <see cref="Param"/> is a name of the API's: where a body cannot be read it is a path made of the caller's own words.</summary>
    public bool IsOurs => Param is not null && Code != "invalid_body";

    public static OpenAiError Invalid(string? parameter, string message) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", "invalid_value", message, parameter);

    public static OpenAiError LedgerUnavailable { get; } =
        new(StatusCodes.Status503ServiceUnavailable, "server_error", "ledger_unavailable", "The privacy ledger cannot be written, so nothing is answered.") { MayHaveSpent = true };

    public static OpenAiError Internal { get; } =
        new(StatusCodes.Status500InternalServerError, "server_error", "internal_error", "The router failed at this request. What may have run is charged.") { MayHaveSpent = true };

    public static OpenAiError NodeFailed(string message) => new(StatusCodes.Status502BadGateway, "server_error", "node_failed", message) { MayHaveSpent = true };

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        if (Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        if (MayHaveSpent || Status == StatusCodes.Status429TooManyRequests || (Status == StatusCodes.Status409Conflict && RetryAfterSeconds is null))
        {
            // Asking again changes nothing, or nothing before the reset, or costs again: an official client must not do so unasked.
            context.Response.Headers["x-should-retry"] = "false";
        }

        if (!MayHaveSpent && RetryAfterSeconds is { } seconds)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(seconds).ToString(CultureInfo.InvariantCulture);
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, new OpenAiErrorBody(new OpenAiErrorDetail(Message, Type, Param, Code, Account)), OpenAiJson.Default.OpenAiErrorBody);
    }
}

internal sealed record OpenAiErrorBody(OpenAiErrorDetail Error);

internal sealed record OpenAiErrorDetail(string Message, string Type, string? Param, string? Code, AccountResponse? Account);
