/* tpwallet doctor triage: the first 48 hours of an incident, for the parts that this ledger has. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/http_client.h"
#include "cmd/report.h"
#include "doctor/triage.h"

enum { PATH_SIZE = 4096, METRICS_SIZE_MAX = 4 << 20, CALL_MS_MAX = 3000 };

static bool has_file(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    return len > 0 && len < PATH_SIZE && access(path, F_OK) == 0;
}

/* What a running server does is in its metrics; without one, the folder alone is known. */
static uint32_t server_parts(const char *folder)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/socket", folder);
    if (len <= 0 || len >= PATH_SIZE) return 0;
    const struct http_client_options options = { .socket_path = path, .call_ms_max = CALL_MS_MAX };
    struct http_client *client;
    struct error ignored; /* no answer: no server */
    if (http_client_open(&options, &client, &ignored) != STATUS_OK) return 0;
    BUF_SCOPE struct buf page;
    buf_init(&page, METRICS_SIZE_MAX);
    const struct http_call call = { .method = STR("GET"), .target = STR("/metrics") };
    unsigned http_status = 0;
    enum status status = http_client_call(client, &call, &http_status, &page, &ignored);
    http_client_close(client);
    if (status != STATUS_OK) return 0;
    uint32_t parts = TRIAGE_SERVER;
    const char *text = buf_terminated(&page);
    if (strstr(text, "tpwallet_psp_calls_total{") != NULL) parts |= TRIAGE_PSPS;
    if (strstr(text, "tpwallet_bus_lag_batches") != NULL) parts |= TRIAGE_KAFKA;
    if (strstr(text, "tpwallet_cache_lag_batches") != NULL) parts |= TRIAGE_CACHE;
    if (strstr(text, "tpwallet_projection_batch") != NULL) parts |= TRIAGE_PROJECTION;
    return parts;
}

static uint32_t folder_parts(const char *folder)
{
    uint32_t parts = 0;
    if (has_file(folder, "store")) parts |= TRIAGE_DATABASE;
    if (has_file(folder, "log.key")) parts |= TRIAGE_LOG;
    if (has_file(folder, "inbox.db")) parts |= TRIAGE_WEBHOOKS;
    return parts;
}

static uint32_t named_parts(const struct invocation *invocation)
{
    static const struct {
        const char *option;
        uint32_t parts;
    } named[] = {
        { "kafka", TRIAGE_KAFKA },
        { "redis", TRIAGE_CACHE },
        { "psps", TRIAGE_PSPS | TRIAGE_WEBHOOKS },
        { "all", UINT32_MAX },
    };
    uint32_t parts = 0;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (invocation_has(invocation, named[i].option)) parts |= named[i].parts;
    }
    return parts;
}

/* A list that lacks what a folder which was not looked into would have shown is worse than none. */
static enum status folder_verify(const struct invocation *invocation, struct error *out_error)
{
    uint32_t lanes = 0;
    if (invocation_has(invocation, "all")) return STATUS_OK;
    enum status status = data_folder_count_lanes(invocation->data, &lanes, out_error);
    if (status != STATUS_OK)
        error_hint(out_error, "--data DIR is the ledger's folder; --all gives the steps for every "
                              "part without looking");
    return status;
}

static int triage_run(struct invocation *invocation)
{
    const char *folder = invocation->data;
    struct error error = { 0 };
    if (folder_verify(invocation, &error) != STATUS_OK) return report_error(invocation, &error);
    const struct triage_facts facts = {
        .parts = server_parts(folder) | folder_parts(folder) | named_parts(invocation),
        .data = folder,
        .bundle = invocation_text(invocation, "bundle"),
        .key = invocation_text(invocation, "key"),
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4 << 20);
    if (invocation->json)
        triage_json(&facts, &out);
    else
        triage_text(&facts, &out);
    return report_text(invocation, buf_view(&out));
}

static const struct option options[] = {
    { "bundle", "FOLDER", "where the incident's evidence goes", "case" },
    { "key", "FILE", "the key that signs its custody", "doctor.key" },
    { "kafka", NULL, "events are consumed from Kafka", NULL },
    { "redis", NULL, "there is a cache", NULL },
    { "psps", NULL, "payments go to PSPs", NULL },
    { "all", NULL, "the steps for every part", NULL },
    { 0 },
};

const struct command command_doctor_triage = {
    .name = "doctor triage",
    .summary = "the check-list of an incident's first 48 hours, with its commands filled in",
    .details = "What to stop, what to save in the order in which it disappears (RFC 3227), what to "
               "look at, repair and close: each with why, who, how long it takes and its command. "
               "Which parts this ledger has is read from its folder and its running server; name "
               "those that they do not show. Without a folder, --all gives every step. Words in "
               "capitals are yours to fill in.",
    .options = options,
    .examples = "doctor triage --bundle case-7F3A --key anna.key\n"
                "doctor triage --kafka --redis --json",
    .run = triage_run,
};
