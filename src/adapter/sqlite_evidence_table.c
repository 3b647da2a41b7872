/*
 * A plan is text that xBestIndex writes and xFilter reads: a letter and a field, for each condition
 * that is of use; those with a value come in the order of their values. SQLite looks at every
 * condition once more: a plan only leaves out rows that cannot be meant.
 *
 *     r    the number of a row                    = x  by the index of field x
 *     w x  is a word of x's closed list           f x  is false if no row has x
 *     < > for ts and pos: bounds, [ ] inclusive ones, e for both
 */
#include "adapter/sqlite_evidence_table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"

enum {
    TS = 0,
    POS = 1,
    FIELD_BASE = '0',
    PLAN_MAX = 64, /* conditions */
    COST_FIND = 20,
    COST_MAKE = 60, /* when the index is to be made: it stays for others */
    ROWS_FIND = 4,
    ROWS_GUESS = 1 << 20, /* of a kind, as long as nothing is loaded */
};

struct table {
    sqlite3_vtab base; /* first: SQLite knows this part */
    struct evidence_tables *tables;
    uint32_t kind;
};

struct table_cursor {
    sqlite3_vtab_cursor base; /* first: as above */
    struct evidence_cursor cursor;
    struct table_cursor *spare;
};

/* Names of fields stand behind it; they are constants of evidence_kinds. */
static const char begin_table[] = "CREATE TABLE x(r INTEGER, src, h";

/* In memory that SQLite frees; NULL: there is none. */
static char *text_give(struct str text)
{
    char *copy = sqlite3_malloc((int)text.len + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* ---- tables ---- */

static int table_connect(sqlite3 *db, void *context, int count, const char *const *arguments,
                         sqlite3_vtab **out_table, char **out_message)
{
    (void)count; /* module, database, table: always there */
    (void)out_message;
    int kind = evidence_kind_find(str_from(arguments[2]));
    CHECK(kind >= 0); /* only the schema makes such tables */
    const struct evidence_field *field;
    struct buf BUF_SCOPE sql;
    buf_init(&sql, 4096);
    buf_append_str(&sql, str_from(begin_table));
    for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[kind], i)) != NULL; i++) {
        buf_append_str(&sql, STR(", "));
        buf_append_str(&sql, str_from(field->name));
    }
    buf_append_byte(&sql, ')');
    CHECK(!sql.overflow);
    struct table *table = sqlite3_malloc(sizeof *table);
    if (table == NULL) return SQLITE_NOMEM;
    *table = (struct table){ .tables = context, .kind = (uint32_t)kind };
    int code = sqlite3_declare_vtab(db, buf_terminated(&sql));
    if (code == SQLITE_OK) code = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    if (code != SQLITE_OK) {
        sqlite3_free(table);
        return code;
    }
    *out_table = &table->base;
    return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* ---- plans ---- */

/* False: the value is of a type that the index and the lists do not know. */
static bool value_of(sqlite3_value *value, struct record_value *out_value)
{
    *out_value = (struct record_value){ 0 };
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        out_value->number = sqlite3_value_int64(value);
        return true;
    }
    if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
    const char *text = (const char *)sqlite3_value_text(value);
    out_value->text = (struct str){ text, (size_t)sqlite3_value_bytes(value) };
    return text != NULL;
}

struct plan {
    char text[2 * PLAN_MAX + 1];
    size_t len;
    int values;
};

static void plan_add(struct plan *plan, char letter, uint32_t field)
{
    plan->text[plan->len++] = letter;
    plan->text[plan->len++] = (char)(FIELD_BASE + field);
}

static bool is_comparison(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT ||
           op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_LT ||
           op == SQLITE_INDEX_CONSTRAINT_LE || op == SQLITE_INDEX_CONSTRAINT_NE ||
           op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL;
}

static char bound_letter(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return 'e';
    case SQLITE_INDEX_CONSTRAINT_GT: return '>';
    case SQLITE_INDEX_CONSTRAINT_GE: return ']';
    case SQLITE_INDEX_CONSTRAINT_LT: return '<';
    case SQLITE_INDEX_CONSTRAINT_LE: return '[';
    default: return 0;
    }
}

static bool is_equality(sqlite3_index_info *info, int place)
{
    return info->aConstraint[place].op == SQLITE_INDEX_CONSTRAINT_EQ &&
           strcmp(sqlite3_vtab_collation(info, place), "BINARY") == 0;
}

/* How a condition on a field shortens a scan: its share of the rows is a guess. */
static double scan_condition(const struct table *table, sqlite3_index_info *info, int place,
                             struct plan *plan)
{
    const struct evidence_rows *rows = &table->tables->rows;
    const struct evidence_kind_rows *kind = &rows->kinds[table->kind];
    unsigned char op = info->aConstraint[place].op;
    uint32_t field = (uint32_t)info->aConstraint[place].iColumn - EVIDENCE_TABLE_COLUMNS;
    if (plan->len + 4 > 2 * (size_t)PLAN_MAX || !is_comparison(op)) return 1;
    plan_add(plan, 'f', field);
    double share = (double)kind->filled[field] / (kind->rows + 1.0);
    bool one = sqlite3_vtab_in(info, place, -1) == 0; /* and not each of several */
    char letter = 0;
    if (one && is_equality(info, place) && kind->words_of[field] != NULL) letter = 'w';
    if (one && (field == TS || field == POS)) letter = bound_letter(op);
    if (letter == 0) return share;
    plan_add(plan, letter, field);
    info->aConstraintUsage[place].argvIndex = ++plan->values;
    sqlite3_value *given = NULL;
    struct record_value value;
    bool known = letter == 'w' && sqlite3_vtab_rhs_value(info, place, &given) == SQLITE_OK &&
                 given != NULL && value_of(given, &value) && value.text.data != NULL;
    if (!known) return share / 4;
    return (double)evidence_rows_with(rows, kind, field, value.text) / (kind->rows + 1.0);
}

static int plan_give(sqlite3_index_info *info, const struct plan *plan)
{
    info->idxStr = text_give((struct str){ plan->text, plan->len });
    info->needToFreeIdxStr = 1;
    return info->idxStr == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

/* What it costs to find rows by a condition; 0: it cannot be done. */
static int find_cost(const struct evidence_kind_rows *kind, sqlite3_index_info *info, int place)
{
    const struct sqlite3_index_constraint *constraint = &info->aConstraint[place];
    if (constraint->usable == 0 || !is_equality(info, place)) return 0;
    if (constraint->iColumn <= 0) return 1; /* r, or the rowid that is the same */
    if (constraint->iColumn < EVIDENCE_TABLE_COLUMNS) return 0;
    uint32_t field = (uint32_t)constraint->iColumn - EVIDENCE_TABLE_COLUMNS;
    if (kind->words_of[field] != NULL) return 0; /* few words, many rows each */
    for (uint32_t i = 0; i < kind->index_count; i++) {
        if (kind->index_fields[i] == field) return COST_FIND + (int)i; /* the first is the best */
    }
    return COST_MAKE;
}

/* The best condition that finds rows instead of passing all: its place, or -1. */
static int find_condition(const struct evidence_kind_rows *kind, sqlite3_index_info *info,
                          int *out_cost)
{
    int best = -1;
    *out_cost = INT_MAX;
    for (int i = 0; i < info->nConstraint; i++) {
        int cost = find_cost(kind, info, i);
        if (cost == 0 || cost >= *out_cost) continue;
        *out_cost = cost;
        best = i;
    }
    return best;
}

static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct table *table = (const struct table *)base;
    const struct evidence_kind_rows *kind = &table->tables->rows.kinds[table->kind];
    bool loaded = table->tables->rows.number > 0;
    double rows = loaded ? kind->rows : ROWS_GUESS;
    struct plan plan = { .len = 0 };
    int cost;
    int place = find_condition(kind, info, &cost);
    if (place >= 0) {
        int column = info->aConstraint[place].iColumn;
        plan_add(&plan, column <= 0 ? 'r' : '=',
                 column <= 0 ? 0 : (uint32_t)column - EVIDENCE_TABLE_COLUMNS);
        info->aConstraintUsage[place].argvIndex = 1;
        info->estimatedCost = cost;
        info->estimatedRows = column <= 0 ? 1 : ROWS_FIND;
        return plan_give(info, &plan);
    }
    double share = 1;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable == 0) continue;
        if (info->aConstraint[i].iColumn < EVIDENCE_TABLE_COLUMNS) continue;
        share *= scan_condition(table, info, i, &plan);
    }
    if (!loaded && share <= 0) share = 1;
    info->estimatedCost = (share > 0 ? rows : 0) + 1;
    info->estimatedRows = (sqlite3_int64)(share * rows) + 1;
    return plan_give(info, &plan);
}

/* ---- cursors ---- */

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out_cursor)
{
    const struct table *table = (const struct table *)base;
    struct evidence_tables *tables = table->tables;
    struct table_cursor *cursor = tables->spare;
    if (cursor != NULL) {
        tables->spare = cursor->spare;
        cursor->cursor.kind = table->kind;
    } else {
        cursor = calloc(1, sizeof *cursor);
        if (cursor == NULL) return SQLITE_NOMEM;
        if (evidence_cursor_init(&cursor->cursor, &tables->rows, table->kind) != STATUS_OK) {
            evidence_cursor_done(&cursor->cursor);
            free(cursor);
            return SQLITE_NOMEM;
        }
    }
    *out_cursor = &cursor->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
    struct table_cursor *cursor = (struct table_cursor *)base;
    struct evidence_tables *tables = ((const struct table *)base->pVtab)->tables;
    cursor->spare = tables->spare;
    tables->spare = cursor;
    return SQLITE_OK;
}

static int cursor_result(struct table_cursor *cursor)
{
    sqlite3_vtab *table = cursor->base.pVtab;
    if (cursor->cursor.status == STATUS_OK) return SQLITE_OK;
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = text_give(str_from(cursor->cursor.error.message));
    return cursor->cursor.status == STATUS_LIMIT ? SQLITE_FULL : SQLITE_IOERR;
}

static void bound(struct evidence_bounds *bounds, char letter, uint32_t field, int64_t value)
{
    int64_t *low = field == TS ? &bounds->ts_min : &bounds->pos_min;
    int64_t *high = field == TS ? &bounds->ts_max : &bounds->pos_max;
    *(field == TS ? &bounds->by_ts : &bounds->by_pos) = true;
    bool up = letter == '>' || letter == ']' || letter == 'e';
    bool down = letter == '<' || letter == '[' || letter == 'e';
    if (up && value > *low) *low = value; /* an exclusive bound lets one value more pass */
    if (down && value < *high) *high = value;
}

/* What the conditions of a scan leave; false: nothing at all. */
static bool scan_bounds(const struct table *table, const char *plan, sqlite3_value **values,
                        struct evidence_bounds *out_bounds)
{
    const struct evidence_rows *rows = &table->tables->rows;
    const struct evidence_kind_rows *kind = &rows->kinds[table->kind];
    *out_bounds = (struct evidence_bounds){
        .ts_min = INT64_MIN, .ts_max = INT64_MAX, .pos_min = INT64_MIN, .pos_max = INT64_MAX
    };
    for (const char *at = plan; *at != '\0'; at += 2) {
        uint32_t field = (uint32_t)(at[1] - FIELD_BASE);
        if (at[0] == 'f') {
            if (kind->filled[field] == 0) return false;
            continue;
        }
        struct record_value value;
        sqlite3_value *given = *values++;
        if (sqlite3_value_type(given) == SQLITE_NULL) return false;
        if (!value_of(given, &value)) continue;
        bool text = value.text.data != NULL;
        if (at[0] != 'w' && !text) bound(out_bounds, at[0], field, value.number);
        if (at[0] != 'w' || !text) continue;
        if (evidence_rows_with(rows, kind, field, value.text) == 0) return false;
    }
    return true;
}

static enum status scan_begin(struct table_cursor *cursor, const char *plan, sqlite3_value **values)
{
    const struct table *table = (const struct table *)cursor->base.pVtab;
    struct evidence_rows *rows = &table->tables->rows;
    struct evidence_bounds bounds;
    const struct evidence_list *list = NULL;
    if (!scan_bounds(table, plan, values, &bounds)) {
        evidence_cursor_none(&cursor->cursor);
        return STATUS_OK;
    }
    enum status status = evidence_rows_narrow(rows, table->tables->narrowing, table->kind, &list,
                                              &cursor->cursor.error);
    if (status != STATUS_OK) return status;
    if (list != NULL)
        evidence_cursor_list(&cursor->cursor, list);
    else
        evidence_cursor_all(&cursor->cursor, &bounds);
    return STATUS_OK;
}

static void find_begin(struct table_cursor *cursor, uint32_t field,
                       const struct record_value *value)
{
    const struct table *table = (const struct table *)cursor->base.pVtab;
    struct evidence_rows *rows = &table->tables->rows;
    struct evidence_index *index;
    evidence_cursor_none(&cursor->cursor);
    if (rows->kinds[table->kind].filled[field] == 0) return;
    cursor->cursor.status =
        evidence_index_of(rows, table->kind, field, &index, &cursor->cursor.error);
    if (cursor->cursor.status == STATUS_OK)
        evidence_cursor_hash(&cursor->cursor, index, narrowing_hash(&rows->fields, value));
}

static int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int count,
                         sqlite3_value **values)
{
    (void)number; /* the text says all */
    (void)count;
    struct table_cursor *cursor = (struct table_cursor *)base;
    struct record_value value;
    if (plan[0] == 'r' && value_of(values[0], &value) && value.text.data == NULL) {
        evidence_cursor_number(&cursor->cursor, value.number);
    } else if (plan[0] == 'r' || (plan[0] == '=' && sqlite3_value_type(values[0]) == SQLITE_NULL)) {
        evidence_cursor_none(&cursor->cursor);
    } else if (plan[0] == '=' && value_of(values[0], &value)) {
        find_begin(cursor, (uint32_t)(plan[1] - FIELD_BASE), &value);
    } else {
        enum status status = scan_begin(cursor, plan[0] == '=' ? "" : plan, values);
        cursor->cursor.status = status;
        cursor->cursor.end = cursor->cursor.end || status != STATUS_OK;
    }
    evidence_cursor_next(&cursor->cursor);
    return cursor_result(cursor);
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
    struct table_cursor *cursor = (struct table_cursor *)base;
    evidence_cursor_next(&cursor->cursor);
    return cursor_result(cursor);
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
    return ((const struct table_cursor *)base)->cursor.end;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct evidence_cursor *cursor = &((const struct table_cursor *)base)->cursor;
    const struct record *record = &cursor->record;
    switch (column) {
    case 0: sqlite3_result_int64(context, cursor->number); return SQLITE_OK;
    case 1: sqlite3_result_int64(context, cursor->source); return SQLITE_OK;
    case 2: sqlite3_result_int64(context, (int64_t)record->hash); return SQLITE_OK;
    default: break;
    }
    uint32_t field = (uint32_t)column - EVIDENCE_TABLE_COLUMNS;
    if ((record->seen >> field & 1) == 0) return SQLITE_OK; /* NULL */
    const struct record_value *value = &record->values[field];
    if (value->text.data == NULL)
        sqlite3_result_int64(context, value->number);
    else
        sqlite3_result_text(context, value->text.data, (int)value->text.len, SQLITE_TRANSIENT);
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out_rowid)
{
    *out_rowid = ((const struct table_cursor *)base)->cursor.number;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xCreate = table_connect,
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xDestroy = table_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

/* ---- life ---- */

enum status evidence_tables_new(const char *folder, struct evidence_tables **out_tables)
{
    struct evidence_tables *tables = calloc(1, sizeof *tables);
    if (tables == NULL) return STATUS_LIMIT;
    enum status status = evidence_rows_init(&tables->rows, folder);
    if (status != STATUS_OK) {
        evidence_tables_free(tables);
        return status;
    }
    *out_tables = tables;
    return STATUS_OK;
}

static void spare_free(struct evidence_tables *tables)
{
    for (struct table_cursor *cursor = tables->spare; cursor != NULL;) {
        struct table_cursor *next = cursor->spare;
        evidence_cursor_done(&cursor->cursor);
        free(cursor);
        cursor = next;
    }
    tables->spare = NULL;
}

enum status evidence_tables_reset(struct evidence_tables *tables)
{
    spare_free(tables); /* they hold bytes of the files that go */
    return evidence_rows_reset(&tables->rows);
}

void evidence_tables_free(struct evidence_tables *tables)
{
    if (tables == NULL) return;
    spare_free(tables);
    evidence_rows_done(&tables->rows);
    free(tables);
}

int evidence_tables_register(struct evidence_tables *tables, sqlite3 *db)
{
    return sqlite3_create_module_v2(db, "evidence", &module, tables, NULL);
}
