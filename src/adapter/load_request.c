/* Texts of equal length for every id and account, so that Content-Length stays what it was. */
#define _GNU_SOURCE 1 /* memmem */

#include "adapter/load_request.h"

#include <string.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "model/transfer.h"

enum {
    REQUEST_SIZE_MAX = 8 << 20,
    ITEM_SIZE_MAX = 1 << 10,
    RECORD_SIZE = 64,       /* of a result in the binary form, as api/openapi.yaml has it */
    RECORD_OUTCOME_AT = 56, /* in it: one byte, 0 is ok */
};
_Static_assert(OUTCOME_OK == 0, "what is counted in answers");

static const struct uuid blank = { .hi = 0, .lo = 0 };

/* The place of an id is where it stands behind its name; a value may be the same word. */
static size_t place_of(struct str item, struct str name)
{
    const char *end = item.data + item.len;
    const char *at = memmem(item.data, item.len, name.data, name.len);
    while (at != NULL && (at[name.len] != '"' || at[name.len + 1] != ':'))
        at = memmem(at + 1, (size_t)(end - at - 1), name.data, name.len);
    CHECK(at != NULL);
    return (size_t)(at - item.data) + name.len + 3; /* quote, colon, quote */
}

/* What the ids of an item are called; a pay-in has one account, put in twice. */
struct item_names {
    struct str debit;
    struct str credit;
    struct str kind; /* empty: a transfer */
};

static struct item_names names_of(enum load_form form)
{
    switch (form) {
    case LOAD_WALLET: return (struct item_names){ STR("wallet"), STR("to"), STR("wallet") };
    case LOAD_PAY_IN: return (struct item_names){ STR("wallet"), STR("wallet"), STR("pay_in") };
    case LOAD_SINGLE:
    case LOAD_ARRAY:
    case LOAD_BINARY: break;
    }
    return (struct item_names){ STR("debit"), STR("credit"), STR("") };
}

static void text_write(struct json_writer *writer, struct str name, struct str value)
{
    if (value.len == 0) return;
    json_write_key(writer, name);
    json_write_string(writer, value);
}

static void id_write(struct json_writer *writer, struct str name)
{
    json_write_key(writer, name);
    json_write_uuid(writer, blank);
}

static void item_write(const struct load_options *options, struct buf *item)
{
    struct item_names names = names_of(options->form);
    struct json_writer writer;
    json_writer_init(&writer, item);
    json_write_object_begin(&writer);
    id_write(&writer, STR("id"));
    id_write(&writer, names.debit);
    if (!str_equal(names.debit, names.credit)) id_write(&writer, names.credit);
    text_write(&writer, STR("kind"), names.kind);
    text_write(&writer, STR("asset"), options->asset_code);
    text_write(&writer, STR("amount"), options->amount);
    if (options->form == LOAD_PAY_IN) {
        text_write(&writer, STR("method"), options->method);
        text_write(&writer, STR("psp"), options->psp);
    }
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK || item->overflow); /* seen by the caller */
}

static void head_write(const struct load_options *options, struct buf *text, size_t body_size)
{
    const char *type =
        options->form == LOAD_BINARY ? "application/vnd.tpwallet.transfers" : "application/json";
    bool payment = options->form == LOAD_WALLET || options->form == LOAD_PAY_IN;
    buf_append_format(text, "POST /v1/%s HTTP/1.1\r\nHost: %s\r\n",
                      payment ? "payments" : "transfers", options->address);
    buf_append_format(text, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body_size);
    if (options->authorization != NULL) {
        buf_append_format(text, "Authorization: %s\r\n", options->authorization);
    }
    buf_append_str(text, STR("\r\n"));
}

static void json_body_write(struct load_request *request, const struct load_options *options,
                            struct str item)
{
    bool array = options->form == LOAD_ARRAY;
    size_t size = options->batch * item.len + (array ? options->batch + 1 : 0);
    head_write(options, &request->text, size);
    if (array) buf_append_byte(&request->text, '[');
    request->items_at = request->text.len;
    request->stride = item.len + 1; /* the comma */
    for (uint32_t i = 0; i < options->batch; i++) {
        if (i > 0) buf_append_byte(&request->text, ',');
        buf_append_str(&request->text, item);
    }
    if (array) buf_append_byte(&request->text, ']');
}

static void binary_body_write(struct load_request *request, const struct load_options *options)
{
    struct transfer transfer = {
        .amount = money_from_minor(options->amount_minor),
        .asset = options->asset_id,
        .kind = TRANSFER_DIRECT,
    };
    head_write(options, &request->text, options->batch * sizeof transfer);
    request->items_at = request->text.len;
    request->stride = sizeof transfer;
    for (uint32_t i = 0; i < options->batch; i++) {
        buf_append(&request->text, &transfer, sizeof transfer);
    }
}

enum status load_request_init(struct load_request *request, const struct load_options *options)
{
    CHECK(request != NULL);
    CHECK(options != NULL);
    CHECK(!load_form_is_single(options->form) || options->batch == 1);
    *request = (struct load_request){ 0 };
    buf_init(&request->text, REQUEST_SIZE_MAX);
    BUF_SCOPE struct buf item;
    buf_init(&item, ITEM_SIZE_MAX);
    if (options->form == LOAD_BINARY) {
        binary_body_write(request, options);
    } else {
        item_write(options, &item);
        struct str text = buf_view(&item);
        if (buf_status(&item) != STATUS_OK) return STATUS_UNAVAILABLE;
        request->id_at = place_of(text, STR("id"));
        struct item_names names = names_of(options->form);
        request->debit_at = place_of(text, names.debit);
        request->credit_at = place_of(text, names.credit);
        json_body_write(request, options, text);
    }
    if (buf_status(&request->text) == STATUS_OK) return STATUS_OK;
    load_request_free(request);
    return STATUS_UNAVAILABLE;
}

void load_request_free(struct load_request *request)
{
    buf_free(&request->text);
}

static void id_put(uint8_t *at, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    memcpy(at, text, UUID_TEXT_LEN); /* without the terminator */
}

void load_request_renew(struct load_request *request, const struct load_options *options,
                        struct prng *prng, uint64_t unix_ms)
{
    uint8_t *item = request->text.data + request->items_at;
    for (uint32_t i = 0; i < options->batch; i++, item += request->stride) {
        uint64_t random[2] = { prng_next(prng), prng_next(prng) };
        struct uuid id = uuid_v7(unix_ms, random);
        uint64_t debit = prng_below(prng, options->account_count);
        uint64_t credit = prng_below(prng, options->account_count - 1);
        if (credit >= debit) credit++; /* never the same */
        struct uuid from = options->accounts[debit].value;
        struct uuid to = options->accounts[credit].value;
        if (options->form == LOAD_BINARY) {
            memcpy(item + offsetof(struct transfer, id), &id, sizeof id);
            memcpy(item + offsetof(struct transfer, debit), &from, sizeof from);
            memcpy(item + offsetof(struct transfer, credit), &to, sizeof to);
        } else {
            id_put(item + request->id_at, id);
            id_put(item + request->debit_at, from);
            id_put(item + request->credit_at, to);
        }
    }
}

static uint32_t binary_ok(struct str body)
{
    uint32_t ok = 0;
    for (size_t at = 0; at + RECORD_SIZE <= body.len; at += RECORD_SIZE) {
        ok += body.data[at + RECORD_OUTCOME_AT] == OUTCOME_OK;
    }
    return ok;
}

uint32_t load_answer_ok(const struct load_options *options, struct str body)
{
    if (options->form == LOAD_BINARY) return binary_ok(body);
    if (load_form_is_single(options->form)) return 1; /* its status says it */
    const struct str sign = STR("\"ok\"");            /* the outcome: nothing else has this value */
    uint32_t ok = 0;
    const char *end = body.data + body.len;
    const char *at = body.data;
    while (at != NULL && at < end) {
        at = memmem(at, (size_t)(end - at), sign.data, sign.len);
        if (at == NULL) break;
        ok++;
        at += sign.len;
    }
    return ok;
}
