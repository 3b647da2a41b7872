#include "payment/sandbox_wire.h"

#include "base/check.h"
#include "base/json_writer.h"
#include "model/asset.h"

/* ---- Orders out ---- */

enum status sandbox_order_write(const struct psp_order *order, struct buf *out_body)
{
    const struct asset *asset = asset_iso_by_id(order->asset);
    if (asset == NULL) return STATUS_INVALID;
    char key[PSP_KEY_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out_body);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("reference"));
    json_write_string(&writer, psp_key(order->payment, order->step_number, key));
    json_write_key(&writer, STR("operation"));
    json_write_string(&writer, str_from(psp_operation_name(order->operation)));
    json_write_key(&writer, STR("asset"));
    json_write_string(&writer, str_from(asset->code));
    json_write_key(&writer, STR("amount"));
    json_write_money(&writer, order->amount, asset->exponent);
    json_write_key(&writer, STR("method"));
    json_write_string(&writer, str_from(order->method));
    json_write_key(&writer, STR("object"));
    json_write_string(&writer, str_from(order->object));
    json_write_key(&writer, STR("last"));
    json_write_bool(&writer, order->last);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}

void sandbox_query_path(const struct psp_order *order, struct buf *out_path)
{
    char key[PSP_KEY_SIZE];
    buf_append_str(out_path, STR("/orders/"));
    buf_append_str(out_path, psp_key(order->payment, order->step_number, key));
}

/* ---- JSON in: what is not known is skipped ---- */

/* The members of an order or chargeback that are read; views into body or arena. */
struct answer {
    struct str object;
    struct str reference;
    struct str operation;
    struct str status;
    struct str amount;
    struct str asset;
    struct str reason;
    struct str chargeback;
};

static bool answer_members(struct json_reader *reader, struct answer *out_answer)
{
    const struct {
        struct str name;
        struct str *value;
    } members[] = {
        { STR("object"), &out_answer->object },
        { STR("reference"), &out_answer->reference },
        { STR("operation"), &out_answer->operation },
        { STR("status"), &out_answer->status },
        { STR("amount"), &out_answer->amount },
        { STR("asset"), &out_answer->asset },
        { STR("reason"), &out_answer->reason },
        { STR("chargeback"), &out_answer->chargeback },
    };
    enum { COUNT = sizeof members / sizeof members[0] };
    struct str key;
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        unsigned i = 0;
        while (i < COUNT && !str_equal(key, members[i].name)) i++;
        (void)(i < COUNT ? psp_json_text(reader, members[i].value)
                         : json_skip(reader)); /* a fault stays */
    }
    return reader->fault == JSON_FAULT_NONE;
}

/* The asset and amount of an answer. */
static bool amount_read(const struct answer *answer, uint32_t *out_asset, struct money *out_amount)
{
    const struct asset *asset = asset_iso_by_code(answer->asset);
    if (asset == NULL) return false;
    if (money_parse(answer->amount, asset->exponent, out_amount) != STATUS_OK) return false;
    *out_asset = asset->id;
    return true;
}

static enum psp_answer status_answer(struct str status)
{
    if (str_equal(status, STR("done"))) return PSP_ANSWER_DONE;
    if (str_equal(status, STR("pending"))) return PSP_ANSWER_PENDING;
    if (str_equal(status, STR("declined"))) return PSP_ANSWER_DECLINED;
    return PSP_ANSWER_UNKNOWN;
}

static void order_read(const struct psp_order *order, const struct psp_http *http,
                       struct arena *arena, struct psp_reply *reply)
{
    char key[PSP_KEY_SIZE];
    struct json_reader reader;
    struct answer answer = { 0 };
    psp_reply_set(reply, PSP_ANSWER_UNKNOWN, STR("answer_unreadable"));
    json_reader_init(&reader, http->body, arena);
    if (!answer_members(&reader, &answer) || json_end(&reader) != STATUS_OK) return;
    enum psp_answer meaning = status_answer(answer.status);
    uint32_t asset = 0;
    struct money amount = MONEY_ZERO;
    char object[PSP_TOKEN_SIZE];
    if (meaning == PSP_ANSWER_UNKNOWN) return;
    if (!amount_read(&answer, &asset, &amount) || !psp_token_read(answer.object, object)) return;
    if (!str_equal(answer.reference, psp_key(order->payment, order->step_number, key))) {
        psp_reason_set(reply, STR("other_reference"));
        return;
    }
    if (!str_equal(answer.operation, str_from(psp_operation_name(order->operation)))) {
        psp_reason_set(reply, STR("other_operation"));
        return;
    }
    psp_reply_set(reply, meaning, answer.reason);
    reply->asset = asset;
    reply->amount = amount;
    memcpy(reply->object, object, sizeof object);
}

/* {"error":{"code":"…","message":"…"}}: the code, or "" when it is none of that form. */
static struct str error_code(struct str body, struct arena *arena)
{
    struct json_reader reader;
    struct str key;
    struct str code = STR("");
    json_reader_init(&reader, body, arena);
    if (!json_object_begin(&reader)) return STR("");
    while (json_object_next(&reader, &key)) {
        if (!str_equal(key, STR("error"))) {
            (void)json_skip(&reader); /* a fault stays */
            continue;
        }
        if (!json_object_begin(&reader)) break;
        while (json_object_next(&reader, &key)) {
            (void)(str_equal(key, STR("code")) ? psp_json_text(&reader, &code)
                                               : json_skip(&reader)); /* as above */
        }
    }
    return json_end(&reader) == STATUS_OK ? code : STR("");
}

void sandbox_answer_read(const struct psp_order *order, const struct psp_http *http,
                         struct arena *arena, struct psp_reply *out_reply)
{
    enum { OK = 200, NOT_FOUND = 404, UNAVAILABLE = 503 };
    if (http->status == OK) {
        order_read(order, http, arena, out_reply);
        return;
    }
    struct str code = error_code(http->body, arena);
    /* Any server answers 404 to what it does not serve; only this code speaks of the order. */
    if (out_reply->query && http->status == NOT_FOUND && str_equal(code, STR("order_not_found"))) {
        psp_reply_set(out_reply, PSP_ANSWER_NOT_FOUND, code);
        return;
    }
    struct psp_http as = *http;
    if (http->status == UNAVAILABLE && http->retry_after_s > 0) as.status = 429;
    psp_reply_by_status(&as, code.len > 0 ? code : STR("http_status"), out_reply);
}

/* ---- Statements ---- */

enum { FIELD_COUNT = 9 };
static const char statement_head[] = "id,reference,object,kind,asset,gross,fee,net,at";

/* Takes the line up to the next LF, which must be there. */
static bool line_take(struct str *text, struct str *out_line)
{
    const char *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    if (end == NULL) return false;
    *out_line = (struct str){ text->data, (size_t)(end - text->data) };
    text->data = end + 1;
    text->len -= out_line->len + 1;
    return true;
}

static bool fields_split(struct str line, struct str fields[FIELD_COUNT])
{
    unsigned count = 0;
    size_t start = 0;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.data[i] != ',') continue;
        if (count == FIELD_COUNT) return false;
        fields[count++] = (struct str){ line.data + start, i - start };
        start = i + 1;
    }
    return count == FIELD_COUNT;
}

static bool kind_adds(uint8_t kind)
{
    switch ((enum psp_line_kind)kind) {
    case PSP_LINE_CHARGE:
    case PSP_LINE_CHARGEBACK_REVERSAL:
    case PSP_LINE_REFUND_FAILURE:
    case PSP_LINE_PAY_OUT_RETURN: return true;
    case PSP_LINE_REFUND:
    case PSP_LINE_PAY_OUT:
    case PSP_LINE_CHARGEBACK:
    case PSP_LINE_KIND_END: return false;
    }
    return false;
}

/* Whether net is what gross and fee come to. */
static bool net_agrees(const struct psp_line *line, unsigned exponent, struct str net)
{
    bool negative = net.len > 0 && net.data[0] == '-';
    struct str digits = negative ? (struct str){ net.data + 1, net.len - 1 } : net;
    struct money amount;
    struct money expected;
    bool below = false;
    if (money_parse(digits, exponent, &amount) != STATUS_OK) return false;
    if (!kind_adds(line->kind)) {
        below = true;
        if (!money_add(line->gross, line->fee, &expected)) return false;
    } else if (!money_subtract(line->gross, line->fee, &expected)) {
        below = true;
        if (!money_subtract(line->fee, line->gross, &expected)) return false;
    }
    if (money_is_zero(expected)) below = false;
    return money_equal(amount, expected) && below == negative;
}

static bool reference_read(struct str text, char out_reference[PSP_KEY_SIZE])
{
    char token[PSP_TOKEN_SIZE] = "";
    if (text.len > 0 && !psp_token_read(text, token)) return false;
    if (text.len >= PSP_KEY_SIZE) return false;
    memcpy(out_reference, token, PSP_KEY_SIZE);
    return true;
}

/* NULL, or what is wrong. */
static const char *line_read(struct str text, struct psp_line *out_line)
{
    struct str fields[FIELD_COUNT];
    struct psp_line line = { 0 };
    if (text.len > SANDBOX_LINE_SIZE_MAX) return "it is too long";
    if (!fields_split(text, fields)) return "it has not nine fields";
    if (!psp_token_read(fields[0], line.id)) return "id";
    if (!reference_read(fields[1], line.reference)) return "reference";
    if (!psp_token_read(fields[2], line.object)) return "object";
    if (!psp_line_kind_parse(fields[3], &line.kind)) return "kind";
    const struct asset *asset = asset_iso_by_code(fields[4]);
    if (asset == NULL) return "asset";
    line.asset = asset->id;
    if (money_parse(fields[5], asset->exponent, &line.gross) != STATUS_OK) return "gross";
    if (money_parse(fields[6], asset->exponent, &line.fee) != STATUS_OK) return "fee";
    if (!net_agrees(&line, asset->exponent, fields[7])) return "net is not gross and fee";
    if (wall_time_parse(fields[8], &line.at) != STATUS_OK) return "at";
    *out_line = line;
    return NULL;
}

enum status sandbox_statement_read(struct str csv, uint32_t first_number,
                                   struct psp_line *out_lines, uint32_t limit, uint32_t *out_count,
                                   struct error *out_error)
{
    struct str text = csv;
    struct str line;
    uint32_t count = 0;
    if (!line_take(&text, &line) || !str_equal(line, str_from(statement_head)))
        return error_set(out_error, STATUS_INVALID, "this is no statement: its head is another");
    while (text.len > 0) {
        if (count == limit) {
            return error_set(out_error, STATUS_INVALID, "the statement has more lines than asked");
        }
        const char *fault = "it does not end";
        if (line_take(&text, &line)) fault = line_read(line, &out_lines[count]);
        if (fault != NULL) {
            return error_set(out_error, STATUS_INVALID, "line %u of the statement: %s",
                             first_number + count, fault);
        }
        count++;
    }
    *out_count = count;
    return STATUS_OK;
}

bool sandbox_statement_pending(const struct psp_http *http, struct arena *arena)
{
    enum { NOT_FOUND = 404 };
    if (http->status != NOT_FOUND) return false;
    return str_equal(error_code(http->body, arena), STR("statement_not_ready"));
}

/* ---- Events ---- */

static uint8_t event_kind(struct str type)
{
    static const struct {
        struct str type;
        enum psp_event_kind kind;
    } kinds[] = {
        { { "order.created", 13 }, PSP_EVENT_ORDER },
        { { "order.updated", 13 }, PSP_EVENT_ORDER },
        { { "chargeback.opened", 17 }, PSP_EVENT_CHARGEBACK_OPENED },
        { { "chargeback.won", 14 }, PSP_EVENT_CHARGEBACK_WON },
        { { "chargeback.lost", 15 }, PSP_EVENT_CHARGEBACK_LOST },
        { { "chargeback.reversed", 19 }, PSP_EVENT_CHARGEBACK_REVERSED },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (str_equal(type, kinds[i].type)) return (uint8_t)kinds[i].kind;
    }
    return PSP_EVENT_OTHER;
}

enum status sandbox_event_read(struct str body, struct arena *arena, struct psp_event *out_event)
{
    struct json_reader reader;
    struct psp_event event = { 0 };
    struct answer data = { 0 };
    struct str key;
    struct str id = STR("");
    struct str type = STR("");
    struct str at = STR("");
    json_reader_init(&reader, body, arena);
    if (!json_object_begin(&reader)) return STATUS_INVALID;
    while (json_object_next(&reader, &key)) {
        if (str_equal(key, STR("id")))
            (void)psp_json_text(&reader, &id); /* a fault stays */
        else if (str_equal(key, STR("type")))
            (void)psp_json_text(&reader, &type);
        else if (str_equal(key, STR("at")))
            (void)psp_json_text(&reader, &at);
        else if (str_equal(key, STR("data")))
            (void)answer_members(&reader, &data);
        else
            (void)json_skip(&reader);
    }
    if (json_end(&reader) != STATUS_OK) return STATUS_INVALID;
    if (!psp_token_read(id, event.id)) return STATUS_INVALID;
    if (wall_time_parse(at, &event.at) != STATUS_OK) return STATUS_INVALID;
    event.kind = event_kind(type);
    psp_event_refer(&event, data.reference);
    enum psp_answer answer = status_answer(data.status); /* of a chargeback another thing */
    bool of_order = event.kind < PSP_EVENT_CHARGEBACK_OPENED && answer != PSP_ANSWER_UNKNOWN;
    if (of_order) event.answer = (uint8_t)answer;
    if (event.kind != PSP_EVENT_OTHER && !psp_token_read(data.object, event.object))
        return STATUS_INVALID;
    if (event.kind >= PSP_EVENT_CHARGEBACK_OPENED) {
        if (!psp_token_read(data.chargeback, event.chargeback)) return STATUS_INVALID;
        if (!amount_read(&data, &event.asset, &event.amount)) return STATUS_INVALID;
    }
    *out_event = event;
    return STATUS_OK;
}
