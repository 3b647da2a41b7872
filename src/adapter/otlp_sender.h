/* otlp_sender.h - posts one body after another to a collector by libcurl; its answer is yes or no. */
#ifndef ADAPTER_OTLP_SENDER_H
#define ADAPTER_OTLP_SENDER_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/error.h"

enum { OTLP_SEND_MS_MAX = 5000 };

/* One task at a time. */
struct otlp_sender {
    CURL *easy;
    struct curl_slist *headers;
    struct buf url;
};

/*
 * STATUS_INVALID: not a URL of http or https. STATUS_UNAVAILABLE: memory. To be closed either way.
 */
enum status otlp_sender_open(struct otlp_sender *sender, const char *url, struct error *out_error)
    MUST_CHECK;
/* Blocks for OTLP_SEND_MS_MAX at most. True: it was answered with 2xx. */
bool otlp_sender_post(struct otlp_sender *sender, const struct buf *body);
/* Accepts a zeroed one. */
void otlp_sender_close(struct otlp_sender *sender);

#endif
