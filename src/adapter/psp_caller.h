/* psp_caller.h - a call to a PSP over HTTP: who asks, the time that is left, what silence means. */
#ifndef ADAPTER_PSP_CALLER_H
#define ADAPTER_PSP_CALLER_H

#include "base/buf.h"
#include "crypto/secret.h"
#include "model/psp.h"
#include "payment/psp_wire.h"
#include "port/clock.h"
#include "port/http_out.h"
#include "port/psp.h"

/* Of every PSP that is spoken to over HTTP. What is pointed to must outlive the PSP. */
struct psp_options {
    const char *name;         /* as the payments know it: a-z 0-9 and '-', below PSP_NAME_SIZE */
    const char *url;          /* "https://api.stripe.com": no path */
    const struct secret *key; /* the API key, sent as Bearer */
    struct http_out *http;
    struct clock *clock;
    uint32_t connect_ms_max; /* 0: PSP_CONNECT_MS */
    uint32_t call_ms_max;    /* 0: PSP_CALL_MS */
    uint32_t horizon_ms;     /* 0: the PSP's usual */
    uint32_t key_window_ms;  /* 0: the PSP's usual */
    bool private_allowed;    /* of http_out_request */
};

enum {
    PSP_CONNECT_MS = 5000,
    PSP_CALL_MS = 30000, /* card networks may take that long */
    PSP_URL_SIZE = 256,
};

struct psp_caller {
    struct psp_options options;
    char url[PSP_URL_SIZE];
};

/* Fills in what options leave to usual values. STATUS_INVALID: the name or the URL is none. */
enum status psp_caller_init(struct psp_caller *caller, const struct psp_options *options,
                            struct error *out_error) MUST_CHECK;

/* Views; empty ones are left out. */
struct psp_request {
    struct str method;
    struct str path;
    struct str body;
    struct str content_type;
    struct str idempotency_key;
    struct str version_name; /* one header more, of the PSP's own */
    struct str version;
    struct trace trace;
    bool watched;                /* its spans are made, and the PSP hears it */
    struct monotonic_time until; /* when the whole must be over */
};

/* When a call that begins now must be over. */
struct monotonic_time psp_caller_until(const struct psp_caller *caller);

/* As http_out.call(); STATUS_UNAVAILABLE also when the time is over already. */
enum status psp_caller_call(const struct psp_caller *caller, const struct psp_request *request,
                            struct psp_http *out_http, struct buf *out_body,
                            struct error *out_error) MUST_CHECK;

/*
 * What a call that got no answer says of the order: NOT_SENT when nothing was sent, else
 * UNKNOWN. reason: "no_connection", "not_trusted", "no_answer", "answer_too_long".
 */
void psp_caller_silence(enum status status, struct psp_reply *reply);

/* Ends a reply: at, duration_ms since the start. http_status is the caller's. */
void psp_caller_finish(const struct psp_caller *caller, struct monotonic_time start,
                       struct psp_reply *reply);

#endif
