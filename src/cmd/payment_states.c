/* tpwallet payment states: the table of moves, for people, programs and diagrams. */
#include <string.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"
#include "model/payment.h"

enum { OUT_SIZE_MAX = 256 << 10 };

struct table {
    const struct payment_move *moves;
    uint32_t count;
};

/* Whether the move is of the kind that was asked for; 0: any. */
static bool is_of(const struct payment_move *move, uint8_t kind)
{
    return kind == 0 || move->kind == kind;
}

static void text_write(const struct table *table, uint8_t kind, struct buf *out)
{
    buf_append_format(out, "%-12s%-15s%-10s%s\n", "KIND", "STATE", "CAUSE", "NEXT STATE");
    for (uint32_t i = 0; i < table->count; i++) {
        const struct payment_move *move = &table->moves[i];
        if (!is_of(move, kind)) continue;
        buf_append_format(out, "%-12s%-15s%-10s%s\n", payment_kind_name(move->kind),
                          payment_state_name(move->from), payment_cause_name(move->cause),
                          payment_state_name(move->to));
    }
}

static void member_write(struct json_writer *json, struct str key, const char *value)
{
    json_write_key(json, key);
    json_write_string(json, str_from(value));
}

static void json_write(const struct table *table, uint8_t kind, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("moves"));
    json_write_array_begin(&json);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct payment_move *move = &table->moves[i];
        if (!is_of(move, kind)) continue;
        json_write_object_begin(&json);
        member_write(&json, STR("kind"), payment_kind_name(move->kind));
        member_write(&json, STR("state"), payment_state_name(move->from));
        member_write(&json, STR("cause"), payment_cause_name(move->cause));
        member_write(&json, STR("next_state"), payment_state_name(move->to));
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK || out->overflow); /* the caller looks at it */
    buf_append_byte(out, '\n');
}

static bool same_arrow(const struct payment_move *a, const struct payment_move *b)
{
    return a->kind == b->kind && a->from == b->from && a->to == b->to;
}

static bool drawn_before(const struct table *table, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (same_arrow(&table->moves[i], &table->moves[at])) return true;
    }
    return false;
}

/* One arrow for all causes that lead from one state to another. */
static void arrow_write(const struct table *table, uint32_t at, struct buf *out)
{
    const struct payment_move *move = &table->moves[at];
    bool made = move->from == PAYMENT_STATE_NONE;
    buf_append_format(out, "    %s --> %s :", made ? "[*]" : payment_state_name(move->from),
                      payment_state_name(move->to));
    const char *between = " ";
    for (uint32_t i = at; i < table->count; i++) {
        if (!same_arrow(&table->moves[i], move)) continue;
        buf_append_format(out, "%s%s", between, payment_cause_name(table->moves[i].cause));
        between = ", ";
    }
    buf_append_byte(out, '\n');
}

/* Moves that leave the state as it is are not drawn: nearly every state has them. */
static void mermaid_write(const struct table *table, uint8_t kind, struct buf *out)
{
    bool rests[PAYMENT_STATE_END] = { false };
    buf_append_format(out, "```mermaid\nstateDiagram-v2\n");
    for (uint32_t i = 0; i < table->count; i++) {
        const struct payment_move *move = &table->moves[i];
        if (move->kind != kind || move->from == move->to || drawn_before(table, i)) continue;
        arrow_write(table, i, out);
        rests[move->to] = !payment_state_is_open(move->to);
    }
    for (unsigned state = 0; state < PAYMENT_STATE_END; state++) {
        if (rests[state]) buf_append_format(out, "    %s --> [*]\n", payment_state_name(state));
    }
    buf_append_format(out, "```\n");
}

static void diagrams_write(const struct table *table, uint8_t kind, struct buf *out)
{
    if (kind != 0) {
        mermaid_write(table, kind, out);
        return;
    }
    for (unsigned each = 1; each < PAYMENT_KIND_END; each++) {
        buf_append_format(out, "%s### %s\n\n", each == 1 ? "" : "\n", payment_kind_name(each));
        mermaid_write(table, (uint8_t)each, out);
    }
}

static int wrong_value(const struct invocation *invocation, const char *option, const char *wanted)
{
    struct error error;
    (void)error_set(&error, STATUS_INVALID, "'--%s %s' is not %s", option,
                    invocation_text(invocation, option),
                    wanted); /* always the status it is given */
    return report_error(invocation, &error);
}

static int payment_states_run(struct invocation *invocation)
{
    struct table table = { 0 };
    table.moves = payment_moves(&table.count);
    uint8_t kind = 0;
    const char *wanted = invocation_text(invocation, "kind");
    const char *format = invocation_text(invocation, "format");
    if (wanted != NULL && !payment_kind_parse(str_from(wanted), &kind))
        return wrong_value(invocation, "kind", "a kind of payment");
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    if (invocation->json)
        json_write(&table, kind, &out);
    else if (strcmp(format, "table") == 0)
        text_write(&table, kind, &out);
    else if (strcmp(format, "mermaid") == 0)
        diagrams_write(&table, kind, &out);
    else
        return wrong_value(invocation, "format", "table or mermaid");
    CHECK(buf_status(&out) == STATUS_OK);
    return report_text(invocation, buf_view(&out));
}

static const struct option states_options[] = {
    { "kind", "KIND",
      "only this one: pay_in, pay_out, wallet, merchant, refund, exchange, "
      "chargeback",
      NULL },
    { "format", "FORMAT", "table, or mermaid: diagrams in Markdown", "table" },
    { 0 },
};

const struct command command_payment_states = {
    .name = "payment states",
    .summary = "print which moves between states payments of each kind may make",
    .details = "The table is what the ledger checks every move against; nothing else can happen. "
               "It needs no data folder. The diagrams of docs/payments.md are made of it.",
    .options = states_options,
    .examples = "payment states\npayment states --kind merchant\n"
                "payment states --kind exchange --format mermaid\npayment states --json",
    .run = payment_states_run,
};
