#include "payment/stripe_statement.h"

#include "base/check.h"
#include "payment/psp_wire.h"
#include "payment/stripe_amount.h"
#include "payment/stripe_object.h"
#include "payment/stripe_wire.h"

void stripe_statement_path(struct business_date day, const char *after, struct buf *out_path)
{
    enum { DAY_S = 86400 };
    long long from_s = (long long)day.days * DAY_S;
    buf_append_format(out_path,
                      "/v1/balance_transactions?limit=%d&created[gte]=%lld&created[lt]=%lld"
                      "&expand[0]=data.source",
                      STRIPE_PAGE_OBJECTS, from_s, from_s + DAY_S);
    if (after[0] != '\0') buf_append_format(out_path, "&starting_after=%s", after);
}

struct transaction {
    struct str id;
    struct str type;
    struct str currency;
    int64_t amount; /* what the balance gains, the fee not taken off; may be below zero */
    int64_t fee;
    int64_t net;
    int64_t created;
    struct stripe_object source;
};

/* A source that was not expanded is its id. */
static bool source_read(struct json_reader *reader, struct stripe_object *out_source)
{
    if (json_peek(reader) != JSON_OBJECT) return psp_json_text(reader, &out_source->id);
    return stripe_object_read(reader, 0, out_source);
}

static bool transaction_read(struct json_reader *reader, struct transaction *out_transaction)
{
    const struct {
        struct str name;
        struct str *text;
        int64_t *number;
    } members[] = {
        { STR("id"), &out_transaction->id, NULL },
        { STR("type"), &out_transaction->type, NULL },
        { STR("currency"), &out_transaction->currency, NULL },
        { STR("amount"), NULL, &out_transaction->amount },
        { STR("fee"), NULL, &out_transaction->fee },
        { STR("net"), NULL, &out_transaction->net },
        { STR("created"), NULL, &out_transaction->created },
    };
    enum { COUNT = sizeof members / sizeof members[0] };
    struct str key;
    *out_transaction = (struct transaction){ .fee = -1, .created = -1 };
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        size_t i = 0;
        while (i < COUNT && !str_equal(key, members[i].name)) i++;
        if (i == COUNT) {
            bool source = str_equal(key, STR("source"));
            (void)(source ? source_read(reader, &out_transaction->source)
                          : json_skip(reader)); /* a fault stays */
        } else if (members[i].text != NULL) {
            (void)psp_json_text(reader, members[i].text); /* as above */
        } else {
            (void)stripe_number_read(reader, members[i].number); /* as above */
        }
    }
    return reader->fault == JSON_FAULT_NONE;
}

static uint8_t line_kind(const struct transaction *transaction)
{
    static const struct {
        const char *type;
        enum psp_line_kind kind;
    } kinds[] = {
        { "charge", PSP_LINE_CHARGE },
        { "payment", PSP_LINE_CHARGE },
        { "refund", PSP_LINE_REFUND },
        { "payment_refund", PSP_LINE_REFUND },
        { "refund_failure", PSP_LINE_REFUND_FAILURE },
        { "payment_failure_refund", PSP_LINE_REFUND_FAILURE },
        { "payout", PSP_LINE_PAY_OUT },
        { "payout_failure", PSP_LINE_PAY_OUT_RETURN },
        { "payout_cancel", PSP_LINE_PAY_OUT_RETURN },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (str_equal(transaction->type, str_from(kinds[i].type))) return (uint8_t)kinds[i].kind;
    }
    if (!str_equal(transaction->type, STR("adjustment"))) return 0;
    if (!str_equal(transaction->source.kind, STR("dispute"))) return 0;
    return transaction->amount < 0 ? PSP_LINE_CHARGEBACK : PSP_LINE_CHARGEBACK_REVERSAL;
}

static bool kind_adds(uint8_t kind)
{
    return kind == PSP_LINE_CHARGE || kind == PSP_LINE_CHARGEBACK_REVERSAL ||
           kind == PSP_LINE_REFUND_FAILURE || kind == PSP_LINE_PAY_OUT_RETURN;
}

/* NULL, or what is wrong. */
static const char *amounts_read(const struct transaction *transaction, struct psp_line *line)
{
    bool adds = kind_adds(line->kind);
    uint32_t asset = 0;
    int64_t gross = adds ? transaction->amount : -transaction->amount;
    if (gross < 0) return "the amount is of the wrong sign";
    if (transaction->fee < 0) return "the fee is below zero";
    if (transaction->amount - transaction->fee != transaction->net)
        return "net is not amount and fee";
    if (stripe_amount_read(transaction->currency, (uint64_t)gross, &line->asset, &line->gross) !=
        STATUS_OK)
        return "currency and amount";
    if (stripe_amount_read(transaction->currency, (uint64_t)transaction->fee, &asset, &line->fee) !=
        STATUS_OK)
        return "currency and fee";
    return NULL;
}

/* NULL, or what is wrong. */
static const char *line_make(const struct transaction *transaction, struct psp_line *out_line)
{
    const struct stripe_object *source = &transaction->source;
    struct psp_line line = { .kind = line_kind(transaction) };
    if (line.kind == 0) return "its type is none that can be booked";
    const char *fault = amounts_read(transaction, &line);
    if (fault != NULL) return fault;
    if (!psp_token_read(transaction->id, line.id) || !psp_token_plain(line.id)) return "id";
    struct str object = source->payment_intent.len > 0 ? source->payment_intent : source->id;
    if (str_equal(source->kind, STR("refund"))) object = source->id;
    if (!psp_token_read(object, line.object)) return "source";
    char reference[PSP_TOKEN_SIZE] = "";
    if (source->reference.len >= PSP_KEY_SIZE) return "reference";
    if (source->reference.len > 0 && !psp_token_read(source->reference, reference))
        return "reference";
    memcpy(line.reference, reference, PSP_KEY_SIZE);
    if (transaction->created < 0 || transaction->created > INT64_MAX / NS_PER_S) return "created";
    line.at.ns = transaction->created * NS_PER_S;
    *out_line = line;
    return NULL;
}

/* The lines read so far, and what was wrong with the last. */
struct lines {
    struct psp_line *out;
    uint32_t limit;
    uint32_t count;
    const char *fault;
    struct transaction newest;
    bool list;
    bool more;
};

static bool lines_read(struct json_reader *reader, struct lines *lines)
{
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        if (!transaction_read(reader, &lines->newest)) return false;
        if (lines->count == lines->limit) lines->fault = "more lines than asked for";
        if (lines->fault == NULL)
            lines->fault = line_make(&lines->newest, &lines->out[lines->count]);
        if (lines->fault != NULL) {
            json_fail(reader, lines->fault);
            return false;
        }
        lines->count++;
    }
    return reader->fault == JSON_FAULT_NONE;
}

enum status stripe_statement_read(struct str body, struct arena *arena, struct psp_line *out_lines,
                                  uint32_t limit, struct stripe_page *out_page,
                                  struct error *out_error)
{
    struct json_reader reader;
    struct str key;
    struct lines lines = { .out = out_lines, .limit = limit };
    json_reader_init(&reader, body, arena);
    if (json_object_begin(&reader)) {
        while (json_object_next(&reader, &key)) {
            if (str_equal(key, STR("data"))) {
                lines.list = true;
                (void)lines_read(&reader, &lines); /* a fault stays */
            } else if (str_equal(key, STR("has_more"))) {
                (void)json_bool(&reader, &lines.more); /* as above */
            } else {
                (void)json_skip(&reader); /* as above */
            }
        }
    }
    if (lines.fault != NULL) {
        return error_set(out_error, STATUS_INVALID, "balance transaction %.*s of type '%.*s': %s",
                         STR_ARG(lines.newest.id), STR_ARG(lines.newest.type), lines.fault);
    }
    if (json_end(&reader) != STATUS_OK || !lines.list)
        return error_set(out_error, STATUS_INVALID, "this is no list of balance transactions");
    *out_page = (struct stripe_page){ .count = lines.count, .more = lines.more };
    return STATUS_OK;
}
