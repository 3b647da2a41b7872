/* PSPs are opened here and nowhere else; the saga and the API only know their names. */
#include "cmd/serve_payments.h"

#include <string.h>

#include "adapter/curl_http.h"
#include "adapter/sandbox_psp.h"
#include "adapter/secret_file.h"
#include "adapter/stripe_psp.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "cmd/file_bytes.h"

enum { WORKERS_DEFAULT = 32, KEYS_SIZE_MAX = 16 << 10 };

/* ---- Files ---- */

static enum status keys_read(const char *path, struct buf *out_text, struct error *out_error)
{
    int file = -1;
    enum status status = secret_file_open(path, &file, out_error);
    return status == STATUS_OK ? file_bytes_take(file, path, out_text, out_error) : status;
}

/* Lines of NAME and KEY with a blank between; the key of `name` is taken, when it is there. */
static enum status key_take(char *text, struct str name, struct secret *out_key)
{
    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        char *key = line + name.len;
        bool named = len > name.len && memcmp(line, name.data, name.len) == 0 && *key == ' ';
        if (named) {
            size_t blanks = strspn(key, " ");
            return secret_take(key + blanks, len - name.len - blanks, out_key);
        }
        line += len + (line[len] == '\n');
    }
    return STATUS_NOT_FOUND;
}

/* ---- PSPs ---- */

struct opening {
    const struct invocation *invocation;
    struct http_cover cover;
    struct serve_payments *payments;
    struct buf keys; /* the file of --psp-keys */
};

/* "sandbox" and "sandbox-2" speak the sandbox's wire, "stripe" and "stripe-eu" Stripe's. */
static bool speaks(struct str name, const char *wire)
{
    size_t len = strlen(wire);
    if (name.len < len || memcmp(name.data, wire, len) != 0) return false;
    return name.len == len || name.data[len] == '-';
}

static enum status adapter_open(struct str name, const struct psp_options *options,
                                struct psp **out_psp, struct error *out_error)
{
    if (speaks(name, "sandbox")) return sandbox_psp_open(options, out_psp, out_error);
    if (speaks(name, "stripe")) return stripe_psp_open(options, out_psp, out_error);
    enum status status = error_set(out_error, STATUS_INVALID,
                                   "--psp: nobody speaks the wire of '%.*s'", STR_ARG(name));
    error_hint(out_error, "names begin with the wire: sandbox, sandbox-2, stripe, stripe-eu");
    return status;
}

/* One NAME=URL. */
static enum status psp_open(struct opening *opening, struct str word, struct error *out_error)
{
    struct serve_payments *payments = opening->payments;
    const char *equals = memchr(word.data, '=', word.len);
    size_t name_len = equals == NULL ? 0 : (size_t)(equals - word.data);
    struct str url = { word.data + name_len + 1, word.len - name_len - 1 };
    if (name_len == 0 || name_len >= PSP_NAME_SIZE || url.len >= PSP_URL_SIZE)
        return error_set(out_error, STATUS_INVALID, "--psp: '%.*s' is not NAME=URL", STR_ARG(word));
    if (payments->set.count == PSP_SET_MAX)
        return error_set(out_error, STATUS_LIMIT, "--psp: more than %d PSPs", PSP_SET_MAX);
    char *name = payments->names[payments->set.count]; /* zeroed: terminated */
    char *url_text = payments->urls[payments->set.count];
    memcpy(name, word.data, name_len);
    memcpy(url_text, url.data, url.len);
    struct str named = { name, name_len };
    struct secret *key = &payments->keys[payments->set.count];
    if (key_take((char *)opening->keys.data, named, key) != STATUS_OK) {
        enum status status =
            error_set(out_error, STATUS_INVALID, "there is no key for the PSP '%s'", name);
        error_hint(out_error, "--psp-keys FILE: lines of NAME and KEY");
        return status;
    }
    const struct psp_options options = {
        .name = name,
        .url = url_text,
        .key = key,
        .http = payments->http,
        .clock = system_clock(),
        .private_allowed = invocation_has(opening->invocation, "psp-private"),
    };
    struct psp *psp = NULL;
    enum status status = adapter_open(named, &options, &psp, out_error);
    if (status != STATUS_OK) return status;
    CHECK(psp != NULL);
    uint32_t place = payments->set.count;
    status = psp_set_add(&payments->set, psp);
    if (status == STATUS_OK) {
        payments->psps[place] = &payments->set.members[place].port;
        return STATUS_OK;
    }
    psp->close(psp);
    return error_set(out_error, STATUS_INVALID, "--psp: '%s' is given twice", name);
}

static enum status psps_open(struct opening *opening, const char *list, struct error *out_error)
{
    const char *keys = invocation_text(opening->invocation, "psp-keys");
    enum status status = STATUS_OK;
    if (keys != NULL) status = keys_read(keys, &opening->keys, out_error);
    buf_append_byte(&opening->keys, '\0');
    const struct curl_http_options http = { .cover = opening->cover };
    if (status == STATUS_OK) status = curl_http_open(&http, &opening->payments->http, out_error);
    while (status == STATUS_OK && *list != '\0') {
        size_t len = strcspn(list, ",");
        status = psp_open(opening, (struct str){ list, len }, out_error);
        list += len + (list[len] == ',');
    }
    if (opening->keys.data != NULL) secret_wipe(opening->keys.data, opening->keys.len);
    return status;
}

/* ---- Routing ---- */

/* Without a file the PSPs are asked in the order in which they were given. */
static void routing_default(const struct serve_payments *payments, struct buf *out_text)
{
    for (uint32_t i = 0; i < payments->set.count; i++)
        buf_append_format(out_text, "psp %s\n", payments->psps[i]->traits.name);
    buf_append_format(out_text, "rule psps=");
    for (uint32_t i = 0; i < payments->set.count; i++)
        buf_append_format(out_text, "%s%s", i == 0 ? "" : ",", payments->psps[i]->traits.name);
    buf_append_byte(out_text, '\n');
}

static enum status routing_open(const struct invocation *invocation,
                                struct serve_payments *payments, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, ROUTING_TEXT_SIZE_MAX);
    const char *path = invocation_text(invocation, "psp-routing");
    enum status status = STATUS_OK;
    if (path != NULL)
        status = file_bytes_read(path, &text, out_error);
    else
        routing_default(payments, &text);
    if (status != STATUS_OK) return status;
    return routing_parse(buf_view(&text), &payments->routing, out_error);
}

/* ---- The whole ---- */

enum status serve_payments_open(const struct invocation *invocation, struct http_cover cover,
                                struct serve_payments *out_payments, struct error *out_error)
{
    *out_payments = (struct serve_payments){ 0 };
    uint64_t workers = WORKERS_DEFAULT;
    enum status status =
        invocation_number(invocation, "saga-workers", (struct number_range){ 1, SAGA_WORKERS_MAX },
                          &workers, out_error);
    if (status != STATUS_OK) return status;
    const struct breaker_options breaker = { 0 }; /* the usual values */
    psp_set_init(&out_payments->set, thread_sync(), system_clock(), &breaker);
    out_payments->set_made = true;
    const char *list = invocation_text(invocation, "psp");
    if (list != NULL) {
        struct opening opening = {
            .invocation = invocation,
            .cover = cover,
            .payments = out_payments,
        };
        buf_init(&opening.keys, KEYS_SIZE_MAX);
        status = psps_open(&opening, list, out_error);
        buf_free(&opening.keys);
        if (status == STATUS_OK) status = routing_open(invocation, out_payments, out_error);
    }
    out_payments->saga = (struct saga_options){
        .workers = (uint32_t)workers,
        .psps = out_payments->psps,
        .psp_count = out_payments->set.count,
    };
    return status;
}

void serve_payments_close(struct serve_payments *payments)
{
    if (!payments->set_made) return;
    psp_set_done(&payments->set);
    if (payments->http != NULL) payments->http->close(payments->http);
    for (uint32_t i = 0; i < PSP_SET_MAX; i++) secret_done(&payments->keys[i]);
    payments->set_made = false;
}

/* What the PSP is asked for first; none: it stays inside. */
static uint8_t operation_of(const struct payment *draft)
{
    switch ((enum payment_kind)draft->kind) {
    case PAYMENT_PAY_IN: return PSP_CHARGE;
    case PAYMENT_PAY_OUT: return PSP_PAY_OUT;
    case PAYMENT_MERCHANT: return PSP_AUTHORISE;
    case PAYMENT_WALLET:
    case PAYMENT_REFUND:
    case PAYMENT_EXCHANGE:
    case PAYMENT_CHARGEBACK:
    case PAYMENT_KIND_END: break;
    }
    CHECK(false); /* nobody routes what stays inside */
    return 0;
}

enum status serve_payments_route(void *context, const struct payment *draft,
                                 char out_psp[PSP_NAME_SIZE])
{
    struct serve_payments *payments = context;
    if (payments->set.count == 0) return STATUS_NOT_FOUND;
    const struct routing_ask ask = {
        .operation = operation_of(draft),
        .asset = draft->asset,
        .amount = draft->amount,
        .method = str_from(draft->method),
    };
    const char *name;
    enum status status = psp_set_choose(&payments->set, &payments->routing, &ask, &name);
    if (status != STATUS_OK) return status;
    size_t len = strnlen(name, PSP_NAME_SIZE - 1);
    memset(out_psp, 0, PSP_NAME_SIZE);
    memcpy(out_psp, name, len);
    return STATUS_OK;
}

void serve_payments_metrics(void *context, struct buf *out_page)
{
    struct serve_payments *payments = context;
    psp_set_write_metrics(&payments->set, out_page);
}
