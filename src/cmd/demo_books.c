/* Two sources only: the API of the wallet, and the sandbox's own books. */
#include "cmd/demo_books.h"

#include "base/check.h"
#include "payment/chart.h"

enum { ANSWER_SIZE_MAX = 1 << 20, TARGET_SIZE_MAX = 256, AMOUNT_SIZE = 64, EUR = 978 };

/* ---- Open payments ---- */

static bool open_visit(void *argument, const struct answer_object *item)
{
    struct demo_open *open = argument;
    bool manual = str_equal(answer_text(item, "state"), STR("manual"));
    open->manual += manual;
    open->waiting += !manual;
    return true;
}

enum status demo_books_open(struct demo_caller *caller, struct demo_open *out_open)
{
    struct demo_open open = { 0 };
    const struct answer_list list = { "items", open_visit, &open };
    enum status status = demo_caller_ask(caller, API_GET, "/v1/payments?limit=1000", STR(""));
    if (status != STATUS_OK) return status;
    arena_reset(&caller->arena);
    status = answer_read_list(buf_view(&caller->answer), &list, &caller->arena, &caller->object);
    if (status != STATUS_OK) return error_set(caller->error, status, "the list cannot be read");
    *out_open = open;
    return STATUS_OK;
}

/* ---- End states ---- */

struct states {
    uint64_t counts[PAYMENT_KIND_END][PAYMENT_STATE_END];
    uint64_t totals[PAYMENT_STATE_END];
};

static enum status states_count(struct demo_day *day, struct states *states)
{
    struct demo_caller *caller = day->caller;
    for (uint32_t i = 0; i < day->count; i++) {
        BUF_SCOPE struct buf target;
        char id[UUID_TEXT_LEN + 1];
        uint8_t state;
        buf_init(&target, TARGET_SIZE_MAX);
        uuid_format(day->payments[i].id, id);
        buf_append_format(&target, "/v1/payments/%s", id);
        enum status status = demo_caller_ask(caller, API_GET, buf_terminated(&target), STR(""));
        if (status != STATUS_OK) return status;
        if (!payment_state_parse(answer_text(&caller->object, "state"), &state))
            return error_set(caller->error, STATUS_CORRUPT, "payment %s is lost", id);
        states->counts[day->payments[i].kind][state]++;
        states->totals[state]++;
    }
    return STATUS_OK;
}

enum status demo_books_table(struct demo *demo, struct demo_day *day)
{
    struct states states = { 0 };
    enum status status = states_count(day, &states);
    if (status != STATUS_OK) return status;
    (void)fprintf(demo->out, "   %-12s", "");
    for (unsigned state = 0; state < PAYMENT_STATE_END; state++)
        if (states.totals[state] > 0) (void)fprintf(demo->out, " %10s", payment_state_name(state));
    (void)fprintf(demo->out, "\n");
    for (unsigned kind = 1; kind < PAYMENT_KIND_END; kind++) {
        if (kind == PAYMENT_CHARGEBACK) continue; /* none within a day */
        (void)fprintf(demo->out, "   %-12s", payment_kind_name(kind));
        for (unsigned state = 0; state < PAYMENT_STATE_END; state++)
            if (states.totals[state] > 0)
                (void)fprintf(demo->out, " %10llu", (unsigned long long)states.counts[kind][state]);
        (void)fprintf(demo->out, "\n");
    }
    (void)fprintf(demo->out,
                  "\n   (%llu were refused at once: too little money, or nothing left to give "
                  "back)\n\n",
                  (unsigned long long)day->refused);
    return STATUS_OK;
}

/* ---- Settlement ---- */

static enum status sandbox_read(const struct demo_sandbox *sandbox,
                                const struct demo_sandbox_call *call, struct buf *answer,
                                struct error *out_error)
{
    buf_reset(answer);
    return demo_sandbox_ask(sandbox, call, answer, out_error);
}

/* The day whose statement is open, out of {"today", "now", "open_statement"}. */
static enum status day_read(const struct demo_sandbox *sandbox, char out_day[DATE_TEXT_SIZE],
                            struct error *out_error)
{
    const struct demo_sandbox_call call = { STR("GET"), "/clock", STR("") };
    struct arena arena;
    struct answer_object object;
    BUF_SCOPE struct buf answer;
    buf_init(&answer, ANSWER_SIZE_MAX);
    enum status status = sandbox_read(sandbox, &call, &answer, out_error);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, answer_arena_size(buf_view(&answer)));
    if (status == STATUS_OK) status = answer_read(buf_view(&answer), &arena, &object);
    struct str day = status == STATUS_OK ? answer_text(&object, "open_statement") : STR("");
    bool fits = day.len > 0 && day.len < DATE_TEXT_SIZE;
    if (fits) memcpy(out_day, day.data, day.len);
    if (fits) out_day[day.len] = '\0';
    arena_done(&arena);
    return fits ? STATUS_OK : error_set(out_error, STATUS_CORRUPT, "the sandbox has no day");
}

enum status demo_books_settle(struct demo *demo, const struct demo_sandbox *sandbox)
{
    char day[DATE_TEXT_SIZE];
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf answer;
    buf_init(&path, TARGET_SIZE_MAX);
    buf_init(&answer, ANSWER_SIZE_MAX);
    enum status status = day_read(sandbox, day, &demo->error);
    if (status != STATUS_OK) return status;
    buf_append_format(&path, "/statements/%s/close", day);
    const struct demo_sandbox_call call = { STR("POST"), buf_terminated(&path), STR("{}") };
    status = sandbox_read(sandbox, &call, &answer, &demo->error);
    const char *const words[] = { "settle", "--psp", "sandbox", "--day", day, NULL };
    (void)fprintf(demo->out, "The day is over; its statement is booked, and once more:\n\n");
    if (status == STATUS_OK) status = demo_run(demo, words);
    if (status == STATUS_OK) status = demo_run(demo, words);
    return status;
}

/* ---- Both books ---- */

struct line {
    const char *theirs; /* the sandbox's account */
    enum chart_role role;
    char amount[AMOUNT_SIZE]; /* in the sandbox's books */
};

static void amount_take(struct line *line, struct str text)
{
    CHECK(text.len < AMOUNT_SIZE);
    if (text.len > 0) memcpy(line->amount, text.data, text.len);
    line->amount[text.len] = '\0';
}

struct books {
    struct line lines[3];
    bool found;
};

static bool page_visit(void *argument, const struct answer_object *item)
{
    struct books *books = argument;
    if (!str_equal(answer_text(item, "asset"), STR("EUR"))) return true;
    for (uint32_t i = 0; i < 3; i++)
        amount_take(&books->lines[i], answer_text(item, books->lines[i].theirs));
    books->found = true;
    return false;
}

static enum status theirs_read(const struct demo_sandbox *sandbox, struct books *books,
                               struct error *out_error)
{
    const struct demo_sandbox_call call = { STR("GET"), "/books", STR("") };
    const struct answer_list list = { "assets", page_visit, books };
    struct arena arena;
    struct answer_object object;
    BUF_SCOPE struct buf answer;
    buf_init(&answer, ANSWER_SIZE_MAX);
    enum status status = sandbox_read(sandbox, &call, &answer, out_error);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, answer_arena_size(buf_view(&answer)));
    if (status == STATUS_OK) status = answer_read_list(buf_view(&answer), &list, &arena, &object);
    bool balanced = status == STATUS_OK && books->found &&
                    str_equal(answer_text(&object, "balanced"), STR("true"));
    arena_done(&arena);
    if (balanced) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the sandbox's books do not balance");
}

static enum status line_compare(struct demo *demo, struct demo_caller *caller,
                                const struct line *line, bool *equal)
{
    char id[UUID_TEXT_LEN + 1];
    BUF_SCOPE struct buf target;
    buf_init(&target, TARGET_SIZE_MAX);
    const char *psp = line->role == CHART_CLEARING ? "sandbox" : "";
    uuid_format(chart_account_id(LANE_ALONE, EUR, line->role, psp).value, id);
    buf_append_format(&target, "/v1/accounts/%s", id);
    enum status status = demo_caller_ask(caller, API_GET, buf_terminated(&target), STR(""));
    if (status != STATUS_OK) return status;
    struct str ours = answer_text(&caller->object, "balance.net");
    bool same = str_equal(ours, str_from(line->amount));
    (void)fprintf(demo->out, "   %-10s %12s     %-10s %12.*s%s\n", line->theirs, line->amount,
                  chart_role_name(line->role), STR_ARG(ours), same ? "" : "   DIFFERENT");
    *equal = *equal && same;
    return STATUS_OK;
}

enum status demo_books_compare(struct demo *demo, struct demo_caller *caller,
                               const struct demo_sandbox *sandbox)
{
    struct books books = { .lines = { { .theirs = "owed", .role = CHART_CLEARING },
                                      { .theirs = "settled", .role = CHART_BANK },
                                      { .theirs = "fees", .role = CHART_FEES } } };
    enum status status = theirs_read(sandbox, &books, &demo->error);
    (void)fprintf(demo->out, "\nBoth books, EUR:\n\n   %-10s %12s     %-10s %12s\n", "sandbox", "",
                  "wallet", "");
    bool equal = true;
    for (uint32_t i = 0; i < 3 && status == STATUS_OK; i++)
        status = line_compare(demo, caller, &books.lines[i], &equal);
    if (status != STATUS_OK) return status;
    if (!equal) return error_set(&demo->error, STATUS_CORRUPT, "the books are not equal");
    (void)fprintf(demo->out, "\n   equal to the minor unit\n");
    return STATUS_OK;
}
