using System.Globalization;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>The configuration files that the demo writes: complete, commented, ready to be copied and edited.</summary>
internal static class DemoConfiguration
{
    private const string Notice = """
        # Written by 'fedllm demo' at every start. To keep changes, copy this folder elsewhere, edit there, and start the program yourself:
        #   {0}
        # Paths are relative to this file. An unknown or misspelt key is an error.

        """;

    public static string Router(int port, int metricsPort, IEnumerable<(string Hospital, int Port)> nodes) => Header("CONFIG_FILE=this-file dotnet FederatedDpLlm.Router.dll") + $$"""
        federation: {{DemoCredentials.Federation}}
        api: {address: 127.0.0.1, port: {{Number(port)}}}
        metrics: {address: 127.0.0.1, port: {{Number(metricsPort)}}}     # Prometheus: /metrics

        # The links to the hospitals: TLS 1.3, both sides with a certificate of this federation's authority.
        identity: {certificate: link.pem, key: link.key, authority: ca.pem}

        # Bearer tokens: ES256 only, from this issuer, for this audience. 'fedllm token' issues more for the demo.
        tokens: {issuer: {{DemoCredentials.Issuer}}, audience: {{DemoCredentials.Audience}}, public_key: tokens.pem}

        # Quotas and audit log, one file, one commit.
        ledger: ledger.db

        # privacy-aware (most data budget left, then load), load-balanced (power of two choices), round-robin
        routing: {strategy: privacy-aware, answer_timeout_seconds: 300}

        # A repeated request (Idempotency-Key) gets the answer that was given, free. Answers are kept sealed; the key is made at the first start.
        retries: {answers: answers.db, key: answers.key, lifetime_hours: 24, most_megabytes: 64}

        # The page at / without a token, from this machine only. Off by default: behind a reverse proxy every caller comes from this machine.
        dashboard: {open_to_this_machine: true}

        nodes:
        {{string.Join('\n', nodes.Select(node => $"  - {{id: {node.Hospital}, address: 'https://127.0.0.1:{Number(node.Port)}'}}"))}}

        # Quotas are policy: they bound a patient's loss only if askers do not collude. The guarantee is each hospital's own data account.
        privacy_budgets:
          delta: 1.0e-6
          composition: basic
          departments: {emergency: 20.0, cardiology: 15.0, radiology: 10.0, general: 5.0, research: 2.0}
          reset_schedule: {emergency: daily, cardiology: daily, radiology: weekly, general: daily, research: monthly}
          default_epsilon: {emergency: 1.0, cardiology: 1.0, radiology: 1.0, general: 1.0, research: 1.0}
          user: {epsilon: 20.0, reset: daily}
          purposes:
            treatment: {epsilon: 100.0, reset: daily}
            quality: {epsilon: 20.0, reset: weekly}
            research: {epsilon: 10.0, reset: monthly}
          global: {epsilon: 200.0, reset: daily}

        """;

    /// <summary>A process that holds a part of a hospital's model.</summary>
    public static string Shard(string hospital, string name, int port, string model) => Header("fedllm shard serve --config this-file") + $$"""
        federation: {{DemoCredentials.Federation}}
        node: {{name}}
        zone: {{hospital}}

        # Who may ask; it must show this hospital's coordinator certificate. A shard reads every prompt that passes through it ('fedllm shard inversion').
        coordinator: {{hospital}}
        model: '{{model.Replace("'", "''", StringComparison.Ordinal)}}'
        identity: {certificate: link.pem, key: link.key, authority: ca.pem}
        address: 127.0.0.1
        port: {{Number(port)}}

        """;

    /// <param name="hospital">Its name.</param>
    /// <param name="port">The node's.</param>
    /// <param name="recordsFile">The hospital's records.</param>
    /// <param name="shards">Name and port of each process that holds a part of the model; none where the node holds it whole.</param>
    /// <param name="dataEpsilon">The hospital's lifetime budget.</param>
    public static string Node(string hospital, int port, string recordsFile, IReadOnlyList<(string Name, int Port)> shards, double dataEpsilon) => Header("CONFIG_FILE=this-file dotnet FederatedDpLlm.Node.dll") + $$"""
        federation: {{DemoCredentials.Federation}}
        hospital: {{hospital}}
        listen: {address: 127.0.0.1, port: {{Number(port)}}}
        identity: {certificate: link.pem, key: link.key, authority: ca.pem}
        ledger: ledger.db

        # .jsonl (patientId, text, date, codes), .csv with map: 'patientId=ID,text=NOTE+SECTION', or a FHIR R4 bulk export (.ndjson, or its folder).
        # Patients are split over shards by a keyed hash of their id; each shard is one voter. The number is fixed: changing it is a new split.
        records: {path: {{recordsFile}}, shards: 25, shard_key: shard.key}

        # The bundled model. For a server of one's own (vllm, llama.cpp, ollama; openai for any other with OpenAI's API):
        #   engine: {kind: vllm, base_url: 'http://127.0.0.1:8000/v1', remote_model: NAME, api_key_variable: ENGINE_API_KEY}
        {{Engine(shards)}}

        # What anyone can ever learn about a patient of this hospital, over all hospitals together. It never refills; the router has no say in it.
        # Generous, for trying things out: a real hospital starts far lower.
        data_budget: {epsilon: {{dataEpsilon.ToString("0.0##############", CultureInfo.InvariantCulture)}}, delta: 1.0e-6, composition: zcdp}
        # One account for all patients. With admission_windows: yearly, quarterly or monthly, patients are parted by when their earliest record was
        # written, each part with an account of its own: new patients bring new accounts, and a part that is spent is read no more.
        admission_windows: none
        block: all
        hospitals_per_patient: 2

        # Hand unnoised votes to the router for requests with trust: router. Off by default.
        trust_router_with_noise: true

        """;

    private static string Engine(IReadOnlyList<(string Name, int Port)> shards) => shards.Count == 0 ? "engine: {kind: embedded}" : $$"""
        engine:
          kind: sharded
          shards:
            identity: {certificate: coordinator/link.pem, key: coordinator/link.key, authority: coordinator/ca.pem}
            strategy: layer      # or pipeline, attention, tensor, tensor_pipeline; left out, the planner measures and chooses
            nodes:
        {{string.Join('\n', shards.Select(shard => $"      - {{name: {shard.Name}, address: '127.0.0.1:{Number(shard.Port)}'}}"))}}
        """;

    private static string Header(string command) => string.Format(CultureInfo.InvariantCulture, Notice, command);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
