#include "cmd/host_log.h"

#include <string.h>

#include "adapter/file_log_store.h"
#include "base/hex.h"

enum status host_log_keys_make(const char *folder, const char *origin, struct entropy *entropy,
                               struct error *out_error)
{
    uint8_t random[8];
    char digits[2 * sizeof random + 1];
    BUF_SCOPE struct buf own;
    buf_init(&own, 64);
    entropy_fill(entropy, random, sizeof random);
    buf_append_format(&own, "tpwallet-%s/0", hex_format(random, sizeof random, digits).data);
    struct str name = origin == NULL ? buf_view(&own) : str_from(origin);
    return log_keys_make(folder, name, entropy, out_error);
}

static enum status keys_open(const char *folder, const char *origin, struct entropy *entropy,
                             struct log_keys *out_keys, struct error *out_error)
{
    enum status status = log_keys_read(folder, out_keys, out_error);
    if (status == STATUS_NOT_FOUND) {
        status = host_log_keys_make(folder, origin, entropy, out_error);
        if (status == STATUS_OK) status = log_keys_read(folder, out_keys, out_error);
    }
    if (status != STATUS_OK || origin == NULL) return status;
    struct str name = note_key_name(&out_keys->signer.key);
    if (str_equal(name, str_from(origin))) return STATUS_OK;
    status = error_set(out_error, STATUS_CONFLICT, "the log's key is for the origin %.*s",
                       STR_ARG(name));
    error_hint(out_error, "an origin is for good: leave --log-origin out");
    return status;
}

static enum status witnesses_open(const struct serve_witnesses *witnesses,
                                  const struct lane_ports *ports, struct host_log *log,
                                  struct error *out_error)
{
    const struct log_witnesses_ports witnesses_ports = {
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
        .http = witnesses->http,
    };
    return log_witnesses_open(log->relay, &witnesses_ports, &witnesses->options, &log->witnesses,
                              out_error);
}

enum status host_log_open(const struct host_log_options *options, struct lane *lane,
                          const struct lane_ports *ports, struct host_log *out_log,
                          struct error *out_error)
{
    *out_log = (struct host_log){ 0 };
    const char *folder = options->folder;
    bool witnessed = options->witnesses != NULL && options->witnesses->options.count > 0;
    enum status status =
        keys_open(folder, options->origin, ports->entropy, &out_log->keys, out_error);
    if (status == STATUS_OK)
        status = file_log_store_open(folder, false, &out_log->files, out_error);
    if (status != STATUS_OK) return status;
    const struct log_relay_ports relay_ports = {
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
        .journal = ports->store,
        .files = out_log->files,
    };
    const struct log_relay_options relay = {
        .lane = options->lane,
        .signer = &out_log->keys.signer,
        .key = &out_log->keys.leaf,
        .poll_ms = LOG_POLL_MS,
        .publish_ms = LOG_PUBLISH_MS,
        .task = true,
        .cosigned = witnessed,
    };
    status = log_relay_open(lane, &relay_ports, &relay, &out_log->relay, out_error);
    if (status != STATUS_OK || !witnessed) return status;
    return witnesses_open(options->witnesses, ports, out_log, out_error);
}

void host_log_close(struct host_log *log)
{
    log_witnesses_close(log->witnesses);
    log_relay_close(log->relay);
    if (log->files != NULL) log->files->close(log->files);
    log_keys_done(&log->keys);
    *log = (struct host_log){ 0 };
}
