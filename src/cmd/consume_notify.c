#include "cmd/consume_notify.h"

#include <ctype.h>

#include "adapter/curl_http.h"
#include "adapter/secret_file.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "cmd/kafka_options.h"

/* A line of visible letters, put behind "Bearer ". */
static enum status token_read(const char *path, struct consume_notify *notify,
                              struct error *out_error)
{
    static const char scheme[] = "Bearer ";
    enum { SCHEME_LEN = sizeof scheme - 1 };
    char *text = notify->authorization + SCHEME_LEN;
    size_t size = 0;
    enum status status = secret_file_read(path, text, SECRET_SIZE_MAX, &size, out_error);
    if (status != STATUS_OK) return status;
    while (size > 0 && isspace((unsigned char)text[size - 1])) size--;
    bool visible = size > 0;
    for (size_t i = 0; i < size; i++) visible = visible && isgraph((unsigned char)text[i]);
    text[size] = '\0';
    memcpy(notify->authorization, scheme, SCHEME_LEN);
    return visible ? STATUS_OK
                   : error_set(out_error, STATUS_INVALID, "'%s' is no token: one line of letters",
                               path);
}

enum status consume_notify_check(const struct invocation *invocation, struct error *out_error)
{
    const char *url = invocation_text(invocation, "notify");
    bool more =
        invocation_has(invocation, "notify-token") || invocation_has(invocation, "notify-private");
    if (url == NULL && more)
        return error_set(out_error, STATUS_INVALID,
                         "--notify-token and --notify-private want --notify");
    bool http = url == NULL || str_starts(str_from(url), STR("https://")) ||
                str_starts(str_from(url), STR("http://"));
    if (http) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "--notify: '%s' is no URL of http or https", url);
}

enum status consume_notify_open(const struct invocation *invocation, struct tracer *tracer,
                                struct consume_notify *out_notify, struct error *out_error)
{
    const char *url = invocation_text(invocation, "notify");
    const char *token = invocation_text(invocation, "notify-token");
    *out_notify = (struct consume_notify){ 0 };
    if (url == NULL) return STATUS_OK;
    enum status status = STATUS_OK;
    if (token != NULL) status = token_read(token, out_notify, out_error);
    const struct curl_http_options http = { 0 };
    if (status == STATUS_OK) status = curl_http_open(&http, &out_notify->http, out_error);
    if (status == STATUS_OK)
        status = kafka_options_store(invocation, &out_notify->store, out_error);
    if (status != STATUS_OK) return status;
    const struct errand_sender_ports ports = { thread_sync(), system_clock(), out_notify->http,
                                               out_notify->store, tracer };
    struct errand_sender_options options = ERRAND_SENDER_OPTIONS_DEFAULT;
    options.url = url;
    options.authorization = str_from(out_notify->authorization);
    options.private_allowed = invocation_has(invocation, "notify-private");
    entropy_fill(system_entropy(), &options.token, sizeof options.token);
    options.token |= 1;
    return errand_sender_open(&ports, &options, &out_notify->sender, out_error);
}

void consume_notify_close(struct consume_notify *notify)
{
    errand_sender_close(notify->sender);
    if (notify->store != NULL) notify->store->close(notify->store);
    if (notify->http != NULL) notify->http->close(notify->http);
    secret_wipe(notify->authorization, sizeof notify->authorization);
    *notify = (struct consume_notify){ 0 };
}
