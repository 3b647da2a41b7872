#include "cmd/serve_settings.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hex.h"
#include "cmd/command.h"

enum { TEXT_SIZE_MAX = 64 << 10, DIGEST_TEXT_SIZE = 2 * sizeof(struct digest) };

/* As the command's table says of its value, so that a new one cannot be forgotten here. */
static bool has_url(const struct option *option)
{
    return option->argument != NULL && strstr(option->argument, "URL") != NULL;
}

/* NULL: it is off. */
static const char *value_of(const struct invocation *invocation, const struct option *option)
{
    if (option->argument != NULL) return invocation_text(invocation, option->name);
    return invocation_has(invocation, option->name) ? "on" : NULL;
}

static struct str digest_text(struct digest digest, char out_text[DIGEST_TEXT_SIZE + 1])
{
    return hex_format(digest.bytes, sizeof digest.bytes, out_text);
}

static void line_add(struct buf *text, const struct option *option, const char *value)
{
    char digits[DIGEST_TEXT_SIZE + 1];
    struct str shown = str_from(value);
    if (has_url(option)) shown = digest_text(digest_of(shown.data, shown.len), digits);
    buf_append_format(text, "%s=%.*s\n", option->name, STR_ARG(shown));
}

static uint32_t bits_of(const struct invocation *invocation)
{
    static const struct {
        const char *option;
        uint32_t bit;
    } rows[] = {
        { "tls-cert", SETTING_TLS }, { "client-ca", SETTING_CLIENT_CERTIFICATES },
        { "plain", SETTING_PLAIN },  { "anonymous", SETTING_ANONYMOUS },
        { "psp", SETTING_PSPS },     { "webhook-in", SETTING_WEBHOOKS_IN },
    };
    uint32_t bits = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (invocation_has(invocation, rows[i].option)) bits |= rows[i].bit;
    }
    if (!invocation_has(invocation, "no-log")) bits |= SETTING_LOG;
    return bits;
}

/* Both say the same: what is hashed, and what the log shows. */
static struct digest settings_tell(const struct invocation *invocation, struct log *log)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    for (const struct option *at = invocation->command->options; at->name != NULL; at++) {
        const char *value = value_of(invocation, at);
        if (value != NULL) line_add(&text, at, value);
    }
    char digits[DIGEST_TEXT_SIZE + 1];
    struct digest digest = digest_of(text.data, text.len);
    const struct log_field fields[] = {
        { .name = STR("settings"), .text = buf_view(&text) },
        { .name = STR("digest"), .text = digest_text(digest, digits) },
    };
    log_write(log, (struct log_line){ .level = LOG_INFO,
                                      .event = STR("serve.settings"),
                                      .message = STR("what this server was started with"),
                                      .fields = fields,
                                      .field_count = 2 });
    return digest;
}

static void settings_body(void *argument)
{
    struct serve_settings *settings = argument;
    struct sync *sync = settings->sync;
    while (act_record(settings->lane, &settings->act) != STATUS_OK) {
        struct monotonic_time until = clock_monotonic(settings->clock);
        until.ns += NS_PER_S;
        sync->lock(settings->monitor);
        while (!settings->stopping && sync->wait(settings->monitor, until)) continue;
        bool stopping = settings->stopping;
        sync->unlock(settings->monitor);
        if (stopping) return;
    }
}

enum status serve_settings_begin(struct serve_settings *settings,
                                 const struct invocation *invocation, struct lane *lane,
                                 const struct lane_ports *ports, struct error *out_error)
{
    *settings = (struct serve_settings){
        .lane = lane,
        .sync = ports->sync,
        .clock = ports->clock,
        .act = { .principal = principal_local(getuid()),
                 .key = lane_new_id(lane) }, /* a commit in doubt is asked for again */
    };
    settings->act.notice.kind = NOTICE_SERVER_START;
    settings->act.notice.settings = bits_of(invocation);
    settings->act.notice.digest = settings_tell(invocation, ports->log);
    if (act_record(lane, &settings->act) == STATUS_OK) {
        settings->sync = NULL; /* nothing is left to do */
        return STATUS_OK;
    }
    settings->monitor = ports->sync->monitor_new(ports->sync, "settings");
    enum status status =
        ports->sync->spawn(ports->sync, "settings", settings_body, settings, &settings->task);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "no task can be started");
}

void serve_settings_end(struct serve_settings *settings)
{
    if (settings->sync == NULL) return;
    settings->sync->lock(settings->monitor);
    settings->stopping = true;
    settings->sync->wake_all(settings->monitor);
    settings->sync->unlock(settings->monitor);
    settings->sync->join(settings->task);
    settings->sync->monitor_free(settings->monitor);
    settings->sync = NULL;
}
