#include "adapter/sqlite_evidence_functions.h"

#include <string.h>

#include "base/delta.h"
#include "model/evidence.h"

static bool amount_of(sqlite3_value *value, struct delta *out_amount)
{
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        out_amount->minor = sqlite3_value_int64(value);
        return true;
    }
    if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
    const char *text = (const char *)sqlite3_value_text(value);
    return text != NULL && delta_parse(str_from(text), out_amount) == STATUS_OK;
}

static void give_amount(sqlite3_context *context, struct delta amount)
{
    if (amount.minor >= INT64_MIN && amount.minor <= INT64_MAX) {
        sqlite3_result_int64(context, (sqlite3_int64)amount.minor);
        return;
    }
    char text[DELTA_TEXT_SIZE];
    struct str written = delta_format(amount, text);
    sqlite3_result_text(context, written.data, (int)written.len, SQLITE_TRANSIENT);
}

static void overflow(sqlite3_context *context)
{
    sqlite3_result_error(context, "an amount is beyond 128 bits", -1);
}

enum { POWER_MAX = 24 }; /* decimals that two currencies may differ by */

enum operation { ADD, SUBTRACT, MULTIPLY, COMPARE, NEGATE, MAGNITUDE };

/* Two arguments, or one, which then is taken from zero. The operation is the user data. */
static void calculate(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct delta a = DELTA_ZERO;
    struct delta b = DELTA_ZERO;
    if (!amount_of(values[0], &a)) return;
    if (count > 1 && !amount_of(values[1], &b)) return;
    bool fits = true;
    struct delta result = DELTA_ZERO;
    switch (*(const enum operation *)sqlite3_user_data(context)) {
    case ADD: fits = delta_add(a, b, &result); break;
    case SUBTRACT: fits = delta_subtract(a, b, &result); break;
    case MULTIPLY: fits = delta_multiply(a, b, &result); break;
    case COMPARE: result.minor = (a.minor > b.minor) - (a.minor < b.minor); break;
    case NEGATE: fits = delta_subtract(DELTA_ZERO, a, &result); break;
    case MAGNITUDE:
        result = a;
        if (a.minor < 0) fits = delta_subtract(DELTA_ZERO, a, &result);
        break;
    }
    if (fits) {
        give_amount(context, result);
    } else {
        overflow(context);
    }
}

/* mscale(a, num, den): a * num / den, to the nearest, halves away from zero. */
static void scale(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    struct delta a;
    struct delta product;
    struct delta num;
    int64_t den = sqlite3_value_int64(values[2]);
    if (!amount_of(values[0], &a) || !amount_of(values[1], &num) || den <= 0) return;
    if (!delta_multiply(a, num, &product)) {
        overflow(context);
        return;
    }
    int128 quotient = product.minor / den;
    int128 rest = product.minor % den;
    if (rest < 0 ? -rest >= den + rest : rest >= den - rest) quotient += rest < 0 ? -1 : 1;
    give_amount(context, (struct delta){ quotient });
}

/* mpow10(a, b): k when a = b * 10^k exactly and k is not 0; NULL otherwise. */
static void power(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    struct delta a;
    struct delta b;
    if (!amount_of(values[0], &a) || !amount_of(values[1], &b)) return;
    if (a.minor == 0 || b.minor == 0 || a.minor == b.minor) return;
    bool swapped = delta_magnitude(a) < delta_magnitude(b);
    int128 large = swapped ? b.minor : a.minor;
    int128 small = swapped ? a.minor : b.minor;
    for (int k = 1; k <= POWER_MAX; k++) {
        if (__builtin_mul_overflow(small, 10, &small)) return;
        if (small == large) {
            sqlite3_result_int(context, swapped ? -k : k);
            return;
        }
    }
}

/* In memory of SQLite's, which is aligned to 8 bytes only: the total is copied out and in. */
struct sum {
    unsigned char total[sizeof(struct delta)];
    bool any;
    bool overflow;
};

static void sum_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    struct sum *sum = sqlite3_aggregate_context(context, sizeof *sum);
    struct delta amount;
    if (sum == NULL || !amount_of(values[0], &amount)) return;
    struct delta total;
    memcpy(&total, sum->total, sizeof total);
    sum->any = true;
    if (!delta_add(total, amount, &total)) sum->overflow = true;
    memcpy(sum->total, &total, sizeof total);
}

static void sum_end(sqlite3_context *context)
{
    const struct sum *sum = sqlite3_aggregate_context(context, 0);
    if (sum == NULL || !sum->any) return;
    if (sum->overflow) {
        overflow(context);
    } else {
        struct delta total;
        memcpy(&total, sum->total, sizeof total);
        give_amount(context, total);
    }
}

static const struct manifest *manifest_of(sqlite3_context *context)
{
    return *(struct manifest *const *)sqlite3_user_data(context);
}

/* covered(kind, ts), covered_all(kind): 1 or 0. */
static void covered(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *name = (const char *)sqlite3_value_text(values[0]);
    int kind = name == NULL ? -1 : evidence_kind_find(str_from(name));
    if (kind < 0) {
        sqlite3_result_error(context, "covered(): there is no kind of that name", -1);
        return;
    }
    int64_t ts_ns = count == 1 ? EVIDENCE_ALL_TIME : sqlite3_value_int64(values[1]);
    enum evidence_coverage coverage = manifest_covers(manifest_of(context), (uint32_t)kind, ts_ns);
    sqlite3_result_int(context, coverage == EVIDENCE_COVERED);
}

static void as_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    (void)values;
    sqlite3_result_int64(context, manifest_of(context)->as_of_ns);
}

static void window_from(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    (void)values;
    sqlite3_result_int64(context, manifest_of(context)->from_ns);
}

static void window_to(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    (void)values;
    sqlite3_result_int64(context, manifest_of(context)->to_ns);
}

static const enum operation operations[] = { ADD, SUBTRACT, MULTIPLY, COMPARE, NEGATE, MAGNITUDE };

struct function {
    const char *name;
    int count;
    const enum operation *operation; /* NULL: *manifest is its user data */
    void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
};

static const struct function functions[] = {
    { "madd", 2, &operations[ADD], calculate },
    { "msub", 2, &operations[SUBTRACT], calculate },
    { "mmul", 2, &operations[MULTIPLY], calculate },
    { "mcmp", 2, &operations[COMPARE], calculate },
    { "mneg", 1, &operations[NEGATE], calculate },
    { "mabs", 1, &operations[MAGNITUDE], calculate },
    { "mscale", 3, NULL, scale },
    { "mpow10", 2, NULL, power },
    { "covered", 2, NULL, covered },
    { "covered_all", 1, NULL, covered },
    { "as_of", 0, NULL, as_of },
    { "window_from", 0, NULL, window_from },
    { "window_to", 0, NULL, window_to },
};

int sqlite_evidence_functions(sqlite3 *db, struct manifest *const *manifest)
{
    int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const struct function *function = &functions[i];
        /* SQLite takes user data as void *; nobody writes through it. */
        void *data = function->operation == NULL ? (void *)(uintptr_t)manifest
                                                 : (void *)(uintptr_t)function->operation;
        bool pure = function->operation != NULL || strncmp(function->name, "m", 1) == 0;
        int code = sqlite3_create_function_v2(db, function->name, function->count,
                                              flags | (pure ? SQLITE_DETERMINISTIC : 0), data,
                                              function->call, NULL, NULL, NULL);
        if (code != SQLITE_OK) return code;
    }
    return sqlite3_create_function_v2(db, "msum", 1, flags | SQLITE_DETERMINISTIC, NULL, NULL,
                                      sum_step, sum_end, NULL);
}

/* What differs from one time to the next, or reaches outside. */
static bool function_is_refused(const char *name)
{
    static const char *const refused[] = {
        "random",        "randomblob",        "load_extension",    "date",
        "time",          "datetime",          "julianday",         "unixepoch",
        "current_date",  "current_time",      "current_timestamp", "changes",
        "total_changes", "last_insert_rowid", "sqlite_version",    "sqlite_source_id",
        "strftime",      "zeroblob",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (sqlite3_stricmp(name, refused[i]) == 0) return true;
    }
    return false;
}

static int read_note(struct sqlite_evidence_guard *guard, const char *table)
{
    if (strncmp(table, "sqlite_", 7) == 0) return SQLITE_DENY;
    int kind = evidence_kind_find(str_from(table));
    if (kind >= 0) guard->reads |= UINT64_C(1) << kind;
    return SQLITE_OK;
}

static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct sqlite_evidence_guard *guard = context;
    (void)database; /* there is only one */
    (void)trigger;
    if (!guard->closed) return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_READ: return read_note(guard, first);
    case SQLITE_FUNCTION: return function_is_refused(second) ? SQLITE_DENY : SQLITE_OK;
    default: return SQLITE_DENY;
    }
}

int sqlite_evidence_authorize(sqlite3 *db, struct sqlite_evidence_guard *guard)
{
    return sqlite3_set_authorizer(db, authorize, guard);
}
