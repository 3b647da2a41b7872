#include "adapter/evidence_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/system_entropy.h"
#include "base/check.h"

static void kinds_begin(struct evidence_rows *rows)
{
    uint32_t applied = (uint32_t)evidence_kind_find(STR("applied"));
    uint32_t lists = 0;
    memset(rows->words, 0, sizeof rows->words);
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        struct evidence_kind_rows *kind = &rows->kinds[k];
        const struct evidence_field *field;
        for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[k], i)) != NULL; i++) {
            kind->words_of[i] =
                i == EVIDENCE_COMMON_COUNT - 1 ? evidence_kinds[k].states : field->values;
            if (kind->words_of[i] != NULL) kind->slots[i] = (uint8_t)lists++;
            CHECK(lists <= EVIDENCE_LISTS_MAX);
            if (!evidence_has_word(evidence_kinds[k].indexes, ' ', str_from(field->name))) continue;
            CHECK(kind->index_count < EVIDENCE_INDEXES_MAX);
            kind->index_fields[kind->index_count++] = (uint8_t)i;
            kind->indexed |= UINT64_C(1) << i;
        }
        if (k != applied) continue;
        CHECK(kind->index_count < EVIDENCE_INDEXES_MAX);
        kind->index_fields[kind->index_count++] = EVIDENCE_OFFSETS;
    }
}

static void offset_fields_find(struct evidence_rows *rows)
{
    int applied = evidence_kind_find(STR("applied"));
    CHECK(applied >= 0);
    const struct evidence_field *field;
    for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[applied], i)) != NULL; i++) {
        if (evidence_has_word("group_name topic part pos", ' ', str_from(field->name)))
            rows->offset_fields |= UINT64_C(1) << i;
    }
}

enum status evidence_rows_init(struct evidence_rows *rows, const char *folder)
{
    rows->folder = folder;
    record_names_init(&rows->names);
    uint64_t seed;
    entropy_fill(system_entropy(), &seed, sizeof seed);
    narrowing_fields_init(&rows->fields, seed);
    kinds_begin(rows);
    offset_fields_find(rows);
    for (uint32_t i = 0; i < MANIFEST_SOURCES_MAX; i++) rows->sources[i].file = -1;
    return narrowing_sums_init(&rows->sums);
}

void evidence_rows_done(struct evidence_rows *rows)
{
    for (uint32_t k = 0; k < EVIDENCE_KINDS_MAX; k++) {
        struct evidence_kind_rows *kind = &rows->kinds[k];
        free(kind->blocks);
        for (uint32_t i = 0; i <= EVIDENCE_FIELDS_MAX; i++) evidence_index_done(&kind->indexes[i]);
        *kind = (struct evidence_kind_rows){ 0 };
    }
    for (uint32_t i = 0; rows->folder != NULL && i < MANIFEST_SOURCES_MAX; i++) {
        if (rows->sources[i].file >= 0) (void)close(rows->sources[i].file); /* only read from */
        rows->sources[i] = (struct evidence_row_source){ .file = -1 };
    }
    for (int i = 0; i < NARROWING_COUNT; i++) {
        for (int side = 0; side < 2; side++) {
            free(rows->lists[i][side].rows);
            rows->lists[i][side] = (struct evidence_list){ 0 };
        }
    }
    free(rows->refunds);
    rows->refunds = NULL;
    rows->refund_count = 0;
    rows->refund_room = 0;
    rows->refunds_full = false;
    narrowing_sums_done(&rows->sums);
    rows->dropped_count = 0;
    rows->number = 0;
}

enum status evidence_rows_reset(struct evidence_rows *rows)
{
    evidence_rows_done(rows);
    kinds_begin(rows);
    return narrowing_sums_init(&rows->sums);
}

int evidence_word_place(const char *words, struct str word)
{
    int place = 0;
    for (const char *at = words; at != NULL; place++) {
        const char *end = strchr(at, '|');
        size_t len = end == NULL ? strlen(at) : (size_t)(end - at);
        if (len == word.len && memcmp(at, word.data, len) == 0) return place;
        at = end == NULL ? NULL : end + 1;
    }
    return -1;
}

uint64_t evidence_rows_with(const struct evidence_rows *rows, const struct evidence_kind_rows *kind,
                            uint32_t field, struct str word)
{
    int place = evidence_word_place(kind->words_of[field], word);
    return place < 0 ? 0 : rows->words[kind->slots[field]][place];
}

/* ---- narrowing ---- */

/* A list while it is made. */
struct listing {
    struct evidence_list *list;
    struct evidence_index *index;
    uint32_t room;
    enum status status;
    struct error *error;
};

static void list_add(struct listing *listing, uint32_t row)
{
    struct evidence_list *list = listing->list;
    if (list->count == EVIDENCE_LIST_MAX) list->known = false;
    if (!list->known) return;
    if (list->count == listing->room) {
        uint32_t room = listing->room == 0 ? 1024 : 2 * listing->room;
        uint32_t *rows = realloc(list->rows, room * sizeof *rows);
        if (rows == NULL) {
            listing->status = error_set(listing->error, STATUS_LIMIT, "no memory for rows");
            return;
        }
        list->rows = rows;
        listing->room = room;
    }
    list->rows[list->count++] = row;
}

static void list_range(void *context, uint32_t from, uint32_t to)
{
    struct listing *listing = context;
    uint64_t at = 0;
    uint64_t end = 0;
    if (listing->status != STATUS_OK || !listing->list->known || listing->index->count == 0) return;
    listing->status = evidence_index_find(listing->index, from, to, &at, &end, listing->error);
    for (; listing->status == STATUS_OK && listing->list->known && at < end; at++) {
        uint64_t entry = 0;
        listing->status = evidence_index_at(listing->index, at, &entry, listing->error);
        if (listing->status == STATUS_OK) list_add(listing, (uint32_t)entry);
    }
}

/* Rows that share their hash with another one. */
static void list_twice(struct listing *listing)
{
    struct evidence_index *index = listing->index;
    uint64_t at = 0;
    uint64_t end = 0;
    uint64_t before = 0;
    bool same = false;
    if (index->count == 0) return;
    listing->status = evidence_index_find(index, 0, UINT32_MAX, &at, &end, listing->error);
    for (; listing->status == STATUS_OK && listing->list->known && at < end; at++) {
        uint64_t entry = 0;
        listing->status = evidence_index_at(index, at, &entry, listing->error);
        bool again = at > 0 && entry >> 32 == before >> 32;
        if (again && !same) list_add(listing, (uint32_t)before);
        if (again) list_add(listing, (uint32_t)entry);
        same = again;
        before = entry;
    }
}

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void list_refunds(struct evidence_rows *rows, struct listing *listing)
{
    if (rows->refunds_full) listing->list->known = false;
    if (rows->refund_count == 0) return;
    qsort(rows->refunds, rows->refund_count, sizeof *rows->refunds, by_value);
    for (uint32_t i = 0; i < rows->refund_count;) {
        uint32_t hash = rows->refunds[i];
        uint32_t from = i;
        while (i < rows->refund_count && rows->refunds[i] == hash) i++;
        if (i - from > 1) list_range(listing, hash, hash);
    }
}

/* Which field of which kind a narrowing goes by; a kind each, or -1. */
struct target {
    const char *kind;
    const char *field; /* NULL: the index without a field */
};

static const struct target targets[NARROWING_COUNT][2] = {
    [NARROWING_UNBALANCED] = { { "posting", "tx" } },
    [NARROWING_BALANCES] = { { "posting", "account" }, { "account", "account" } },
    [NARROWING_VERSIONS] = { { "posting", "account" } },
    [NARROWING_PSP_SUMS] = { { "ledger_tx", "psp_ref" }, { "psp", "psp_ref" } },
    [NARROWING_PSP_KNOWN] = { { "psp", "psp_ref" } },
    [NARROWING_REFUNDS] = { { "ledger_tx", "psp_ref" } },
    [NARROWING_IDEM_TWICE] = { { "ledger_tx", "idem" } },
    [NARROWING_APPLIED_TWICE] = { { "applied", NULL } },
};

static struct evidence_index *index_of(struct evidence_kind_rows *rows, uint32_t kind,
                                       const char *name)
{
    if (name == NULL) return &rows->indexes[EVIDENCE_OFFSETS];
    for (uint32_t i = 0; i < rows->index_count; i++) {
        uint32_t place = rows->index_fields[i];
        if (place == EVIDENCE_OFFSETS) continue;
        const struct evidence_field *field = evidence_field_at(&evidence_kinds[kind], place);
        if (strcmp(field->name, name) == 0) return &rows->indexes[place];
    }
    CHECK(false); /* targets have an index that is made while they are loaded */
    return NULL;
}

static enum status list_make(struct evidence_rows *rows, enum narrowing narrowing,
                             struct listing *listing)
{
    struct evidence_list *list = listing->list;
    list->known = true;
    if (narrowing == NARROWING_IDEM_TWICE || narrowing == NARROWING_APPLIED_TWICE) {
        list_twice(listing);
    } else if (narrowing == NARROWING_REFUNDS) {
        list_refunds(rows, listing);
    } else if (!narrowing_sums_odd(&rows->sums, narrowing, list_range, listing)) {
        list->known = false;
    }
    if (listing->status != STATUS_OK) return listing->status;
    if (list->count > 0) qsort(list->rows, list->count, sizeof *list->rows, by_value);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->rows[kept - 1] != list->rows[i]) list->rows[kept++] = list->rows[i];
    }
    list->count = kept;
    list->made = true;
    return STATUS_OK;
}

enum status evidence_rows_narrow(struct evidence_rows *rows, enum narrowing narrowing,
                                 uint32_t kind, const struct evidence_list **out_list,
                                 struct error *out_error)
{
    *out_list = NULL;
    if (rows->dropped_count > 0) return STATUS_OK; /* they are in the sums */
    for (int side = 0; side < 2; side++) {
        const struct target *target = &targets[narrowing][side];
        if (target->kind == NULL || strcmp(target->kind, evidence_kinds[kind].name) != 0) continue;
        struct evidence_list *list = &rows->lists[narrowing][side];
        struct listing listing = {
            .list = list,
            .index = index_of(&rows->kinds[kind], kind, target->field),
            .error = out_error,
        };
        enum status status = list->made ? STATUS_OK : list_make(rows, narrowing, &listing);
        if (status != STATUS_OK) return status;
        if (list->known) *out_list = list;
    }
    return STATUS_OK;
}
