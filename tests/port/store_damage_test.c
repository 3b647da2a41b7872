/*
 * Goal: no flipped byte, anywhere in a data folder, is ever given out as right: it is refused at
 * open, found by reading everything, or it stands where it affects nothing.
 * Method: two folders, one closed in order and one as a crash leaves it, are copied, one byte is
 * flipped, and the copy is opened, read whole, verified and written on. Bytes are sampled in
 * every region of every file; the regions of a database come from SQLite's own map of its pages.
 * The regions that may be without effect are a list below, and a summary is printed. Lost ends
 * (the WAL deleted or cut, an old copy put back) must be refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/archive.h"
#include "adapter/data_folder.h"
#include "adapter/sqlite_run_store.h"
#include "adapter/sqlite_store.h"
#include "tests/port/fault_vfs.h"
#include "tests/port/store_scratch.h"

enum { REGIONS_MAX = 64, NAME_SIZE = 64, CHUNKS = 30, HEAD = 64 };

/*
 * What may be flipped without effect, and why:
 * - a free page and the unused part of a page: nothing points into them; new pages are zeroed;
 * - counters and hints of the database header that only SQLite versions before WAL mode, other
 *   programs or the next change look at (offsets below);
 * - entries of the page map that belong to no page, and its unused end;
 * - keys in inner pages: they only say where to search, and mostly still do;
 * - in a cell, the place of a row's own key, which SQLite takes from the row id instead, and
 *   whether bytes are called text or blob;
 * - one slot of the head file, and the space between slots: the others tell.
 */
static const char *const WITHOUT_EFFECT[] = {
    "journal.db: free page",
    "journal.db: unused part of a page",
    "journal.db: header, unused",
    "journal.db: page map",
    "index.db: free page",
    "index.db: unused part of a page",
    "index.db: header, unused",
    "head: a slot",
    "head: between slots",
    "journal.db: batch, internal, cell",
    "index.db: chunk, internal, cell",
    "journal.db: slice, internal, cell",
    "index.db: run, leaf, cell",
    "index.db: chunk, leaf, cell",
};

enum verdict { REFUSED, FOUND, NO_EFFECT, WRONG, VERDICTS };

struct region {
    char name[NAME_SIZE];
    uint64_t counts[VERDICTS];
};

static struct region regions[REGIONS_MAX];
static uint32_t region_count;
static struct fault_vfs *calm; /* its syncs cost nothing */
static char closed_folder[SCRATCH_PATH_SIZE];
static char crashed_folder[SCRATCH_PATH_SIZE];
static char victim[SCRATCH_PATH_SIZE];

static void expect_ok(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s: %s", status_name(status), error->message, error->detail);
    }
}

/* ---- the two folders ---- */

static struct sqlite_store_options store_options(const char *folder)
{
    return (struct sqlite_store_options){ .folder = folder, .vfs = fault_vfs_name(calm) };
}

static struct store *open_new(const char *name, char out_path[SCRATCH_PATH_SIZE])
{
    struct error error = { 0 };
    struct store *store = NULL;
    struct store_head head;
    scratch_path(name, out_path);
    scratch_remove(out_path);
    expect_ok(data_folder_create(out_path, NULL, &error), &error);
    struct sqlite_store_options options = store_options(out_path);
    expect_ok(sqlite_store_open(&options, &store, &error), &error);
    expect_ok(store->claim(store, &head, &error), &error);
    return store;
}

static void append(struct store *store, uint64_t count)
{
    struct error error = { 0 };
    enum status status;
    uint64_t appended = scratch_append(store, count, &status, &error);
    expect_ok(status, &error);
    assert_int_equal(appended, count);
}

static void write_runs(const char *folder)
{
    struct error error = { 0 };
    struct run_store *runs = NULL;
    struct sqlite_run_store_options options = { .folder = folder, .vfs = fault_vfs_name(calm) };
    expect_ok(sqlite_run_store_open(&options, &runs, &error), &error);
    static uint8_t data[8160];
    for (uint64_t run = 1; run <= 2; run++) {
        for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
            memset(data, (int)(run * 100 + chunk), sizeof data);
            expect_ok(runs->chunk_write(runs, run, chunk, data, sizeof data, &error), &error);
        }
        const uint64_t replaced = 1;
        struct run_info info = { .index = 1, .id = run, .entries = 5, .chunks = CHUNKS };
        struct run_commit commit = { .run = &info,
                                     .summary = STR("filter and fences"),
                                     .replaced = &replaced,
                                     .replaced_count = run == 2,
                                     .index = 1,
                                     .cursor = { .batch = run } };
        expect_ok(runs->commit(runs, &commit, &error), &error);
    }
    struct run_commit last = { .index = 1,
                               .cursor = { .batch = 2 } }; /* what was replaced goes for good */
    expect_ok(runs->commit(runs, &last, &error), &error);
    runs->close(runs);
}

static int make_folders(void **state)
{
    (void)state;
    struct error error = { 0 };
    fault_vfs_free(calm);
    calm = fault_vfs_new("calm");
    scratch_path("victim", victim);
    struct store *store = open_new("closed", closed_folder);
    append(store, HEAD - 20);
    struct archive_options options = { .keep_batches = 10, .segment_batches_max = 16 };
    struct archive_result result;
    expect_ok(archive_run(store, &options, &result, &error), &error);
    assert_true(result.segments >= 2);
    append(store, 20);
    expect_ok(archive_run(store, &options, &result, &error), &error); /* leaves free pages */
    store->close(store);
    write_runs(closed_folder);

    char live[SCRATCH_PATH_SIZE];
    store = open_new("live", live);
    append(store, HEAD);
    scratch_path("crashed", crashed_folder);
    scratch_remove(crashed_folder);
    assert_int_equal(mkdir(crashed_folder, 0700), 0);
    scratch_copy(live, crashed_folder);
    store->close(store);
    return 0;
}

static int print_summary(void **state)
{
    (void)state;
    fault_vfs_free(calm);
    print_message("%-44s %8s %8s %9s\n", "region", "refused", "found", "no effect");
    for (uint32_t i = 0; i < region_count; i++) {
        print_message("%-44s %8llu %8llu %9llu\n", regions[i].name,
                      (unsigned long long)regions[i].counts[REFUSED],
                      (unsigned long long)regions[i].counts[FOUND],
                      (unsigned long long)regions[i].counts[NO_EFFECT]);
    }
    return 0;
}

/* ---- judging one folder ---- */

static enum verdict judge_runs(struct run_store *runs)
{
    struct error error = { 0 };
    struct buf bytes;
    struct store_point cursor = { 0 };
    bool wrong = false;
    buf_init(&bytes, 1 << 20);
    enum status status = runs->cursor(runs, 1, &cursor, &error);
    if (status == STATUS_OK) status = runs->list(runs, 1, &bytes, &error);
    wrong = status == STATUS_OK && (cursor.batch != 2 || bytes.len != sizeof(struct run_info));
    if (status == STATUS_OK && !wrong) {
        status = runs->summary_read(runs, 2, &bytes, &error);
        wrong = status == STATUS_OK && !str_equal(buf_view(&bytes), STR("filter and fences"));
    }
    for (uint32_t chunk = 0; status == STATUS_OK && !wrong && chunk < CHUNKS; chunk++) {
        status = runs->chunk_read(runs, 2, chunk, &bytes, &error);
        if (status != STATUS_OK) break;
        wrong = bytes.len != 8160 || bytes.data[0] != (uint8_t)(200 + chunk) ||
                memcmp(bytes.data, bytes.data + 1, bytes.len - 1) != 0;
    }
    if (status == STATUS_OK && !wrong) status = sqlite_run_store_integrity(runs, &error);
    buf_free(&bytes);
    if (wrong) return WRONG;
    return status == STATUS_OK ? NO_EFFECT : FOUND;
}

static enum verdict judge_index(const char *folder)
{
    struct error error = { 0 };
    struct run_store *runs = NULL;
    struct sqlite_run_store_options options = { .folder = folder, .vfs = fault_vfs_name(calm) };
    if (sqlite_run_store_open(&options, &runs, &error) != STATUS_OK) return REFUSED;
    enum verdict verdict = judge_runs(runs);
    runs->close(runs);
    return verdict;
}

static enum verdict judge_store(struct store *store)
{
    struct error error = { 0 };
    struct store_head head = { 0 };
    uint64_t segments = 0;
    enum status status = scratch_verify(store, &error);
    if (status == STATUS_OK) status = sqlite_store_integrity(store, &error);
    if (status == STATUS_OK) status = archive_verify(store, &segments, &error);
    if (status == STATUS_INVALID) return WRONG;
    if (status != STATUS_OK) return FOUND;
    status = store->head(store, &head, &error);
    if (status == STATUS_OK && head.sequence != HEAD) return WRONG;
    /* Without effect also for whoever writes on. */
    if (status == STATUS_OK) status = store->claim(store, &head, &error);
    if (status == STATUS_OK) (void)scratch_append(store, 7, &status, &error);
    if (status == STATUS_OK) status = scratch_verify(store, &error);
    if (status == STATUS_OK) status = sqlite_store_integrity(store, &error);
    return status == STATUS_OK ? NO_EFFECT : WRONG;
}

static enum verdict judge_journal(const char *path)
{
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    struct store *store = NULL;
    struct sqlite_store_options options = store_options(path);
    if (data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error) != STATUS_OK) return REFUSED;
    enum verdict verdict = REFUSED;
    if (sqlite_store_open(&options, &store, &error) == STATUS_OK) {
        verdict = judge_store(store);
        store->close(store);
    } else {
        assert_true(strlen(error.message) > 0);
    }
    data_folder_close(folder);
    return verdict;
}

static struct region *region_of(const char *name)
{
    for (uint32_t i = 0; i < region_count; i++) {
        if (strcmp(regions[i].name, name) == 0) return &regions[i];
    }
    assert_true(region_count < REGIONS_MAX);
    struct region *region = &regions[region_count++];
    assert_true(strlen(name) < NAME_SIZE);
    memcpy(region->name, name, strlen(name) + 1);
    return region;
}

static bool may_be_without_effect(const char *name)
{
    for (size_t i = 0; i < sizeof WITHOUT_EFFECT / sizeof WITHOUT_EFFECT[0]; i++) {
        if (strcmp(WITHOUT_EFFECT[i], name) == 0) return true;
    }
    return false;
}

static void flip_byte(const char *path, uint64_t offset, uint8_t mask)
{
    uint8_t byte;
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
    (void)close(file);
}

/* A VFS of its own per folder: it remembers files by path. */
static void renew_victim(const char *source)
{
    fault_vfs_free(calm);
    calm = fault_vfs_new("calm");
    scratch_remove(victim);
    assert_int_equal(mkdir(victim, 0700), 0);
    scratch_copy(source, victim);
}

static void try_flip(const char *source, const char *file, uint64_t offset, const char *region)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t mask = (uint8_t)(1 << (offset * 7 + 3) % 8);
    renew_victim(source);
    scratch_join(victim, file, path);
    flip_byte(path, offset, mask);
    bool is_index = strncmp(file, "index", 5) == 0;
    enum verdict verdict = is_index ? judge_index(victim) : judge_journal(victim);
    region_of(region)->counts[verdict]++;
    if (verdict == WRONG || (verdict == NO_EFFECT && !may_be_without_effect(region))) {
        fail_msg("%s, offset %llu ^ 0x%02x (%s): %s", file, (unsigned long long)offset, mask,
                 region, verdict == WRONG ? "given out as right" : "no effect, and not listed");
    }
}

/* ---- the regions of a database ---- */

struct page_kind {
    char name[NAME_SIZE];
    bool is_tree;    /* a b-tree page; else overflow, free, or page map */
    uint32_t unused; /* bytes at its end that hold nothing, for overflow pages */
};

static uint32_t page_size_of(const char *path)
{
    uint8_t bytes[2];
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    assert_int_equal(pread(file, bytes, 2, 16), 2);
    (void)close(file);
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* Page `number` of `kinds` for each page; what no table has is free, or a page of the map. */
static void map_pages(const char *path, const char *file, struct page_kind *kinds,
                      uint32_t page_count, uint32_t page_size)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *map = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (uint32_t page = 1; page <= page_count; page++) {
        bool is_map = strcmp(file, "journal.db") == 0 && (page - 2) % (page_size / 5 + 1) == 0;
        int length = snprintf(kinds[page].name, NAME_SIZE, "%s: %s", file,
                              is_map ? "page map" : "free page");
        assert_true(length > 0 && length < NAME_SIZE);
    }
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT pageno, name, pagetype, unused FROM dbstat", -1, &map, NULL),
        SQLITE_OK);
    while (sqlite3_step(map) == SQLITE_ROW) {
        uint32_t page = (uint32_t)sqlite3_column_int(map, 0);
        assert_true(page >= 1 && page <= page_count);
        struct page_kind *kind = &kinds[page];
        const char *type = (const char *)sqlite3_column_text(map, 2);
        int length = snprintf(kind->name, NAME_SIZE, "%s: %s, %s", file,
                              (const char *)sqlite3_column_text(map, 1), type);
        assert_true(length > 0 && length < NAME_SIZE);
        kind->is_tree = strcmp(type, "overflow") != 0;
        kind->unused = (uint32_t)sqlite3_column_int(map, 3);
    }
    (void)sqlite3_finalize(map);
    (void)sqlite3_close(db);
}

static uint32_t number_at(const uint8_t *page, uint32_t at)
{
    return (uint32_t)page[at] << 8 | page[at + 1];
}

static void try_in(const char *file, uint64_t offset, const char *kind, const char *part)
{
    char name[NAME_SIZE];
    int length = snprintf(name, sizeof name, "%s%s", kind, part);
    assert_true(length > 0 && (size_t)length < sizeof name);
    try_flip(closed_folder, file, offset, name);
}

/* Header, cell pointers, the gap between them and the cells, the cells. */
static void try_tree_page(const char *file, const uint8_t *page, uint64_t start, uint32_t size,
                          const struct page_kind *kind)
{
    uint32_t at = start == 0 ? 100 : 0;
    uint32_t cells = number_at(page, at + 3);
    uint32_t content = number_at(page, at + 5) == 0 ? 65536 : number_at(page, at + 5);
    uint32_t pointers = at + (page[at] <= 5 ? 12 : 8);
    char unused[NAME_SIZE];
    int length = snprintf(unused, sizeof unused, "%s: unused part of a page", file);
    assert_true(length > 0 && (size_t)length < sizeof unused);
    for (uint32_t i = at; i < pointers; i++) try_in(file, start + i, kind->name, ", page header");
    for (uint32_t i = 0; i < cells && i < 3; i++) {
        try_in(file, start + pointers + 2 * i, kind->name, ", cell pointer");
        try_in(file, start + pointers + 2 * i + 1, kind->name, ", cell pointer");
    }
    uint32_t gap = pointers + 2 * cells;
    if (content > gap + 8) try_in(file, start + (gap + content) / 2, unused, "");
    for (uint32_t i = 0; i < cells && i < 3; i++) {
        uint32_t cell = number_at(page, pointers + 2 * i);
        for (uint32_t byte = 0; byte < 70; byte += 3) {
            if (cell + byte < size) try_in(file, start + cell + byte, kind->name, ", cell");
        }
    }
}

static void try_page(const char *file, const uint8_t *page, uint64_t start, uint32_t size,
                     const struct page_kind *kind)
{
    if (kind->is_tree) {
        try_tree_page(file, page, start, size, kind);
        return;
    }
    for (uint32_t i = 0; i < 4; i++) try_in(file, start + i, kind->name, "");
    try_in(file, start + 4 + (size - 4 - kind->unused) / 2, kind->name, "");
    try_in(file, start + size - kind->unused - 1, kind->name, "");
}

/* Change counters, sizes and hints that nothing we do depends on; the rest must be found. */
static bool header_byte_is_unused(uint32_t offset)
{
    return (offset >= 21 && offset <= 23) || (offset >= 24 && offset <= 27) ||
           (offset >= 40 && offset <= 59) || (offset >= 64 && offset <= 67) ||
           (offset >= 72 && offset <= 99) || offset == 19 || offset == 18;
}

static void try_database(const char *file, uint32_t stride)
{
    char path[SCRATCH_PATH_SIZE];
    char name[NAME_SIZE];
    scratch_join(closed_folder, file, path);
    uint64_t size = scratch_file_size(path);
    uint32_t page_size = page_size_of(path);
    uint32_t page_count = (uint32_t)(size / page_size);
    struct page_kind *kinds = calloc(page_count + 1, sizeof *kinds);
    uint8_t *bytes = malloc(size);
    assert_non_null(kinds);
    assert_non_null(bytes);
    map_pages(path, file, kinds, page_count, page_size);
    int source = open(path, O_RDONLY);
    assert_true(source >= 0);
    assert_int_equal(read(source, bytes, size), size);
    (void)close(source);
    for (uint32_t offset = 0; offset < 100; offset++) {
        int length = snprintf(name, sizeof name, "%s: header%s", file,
                              header_byte_is_unused(offset) ? ", unused" : "");
        assert_true(length > 0 && (size_t)length < sizeof name);
        try_flip(closed_folder, file, offset, name);
    }
    for (uint32_t page = 1; page <= page_count; page++) {
        bool sampled = page % stride == 0 || kinds[page].is_tree || page <= 2;
        uint64_t start = (uint64_t)(page - 1) * page_size;
        if (sampled) try_page(file, bytes + start, start, page_size, &kinds[page]);
    }
    free(kinds);
    free(bytes);
}

/* ---- the tests ---- */

static void flipped_byte_in_the_journal_is_never_silent(void **state)
{
    (void)state;
    try_database("journal.db", 4);
}

static void flipped_byte_in_the_index_is_never_silent(void **state)
{
    (void)state;
    try_database("index.db", 8);
}

static void flipped_byte_in_the_wal_is_refused(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_SIZE];
    char journal[SCRATCH_PATH_SIZE];
    scratch_join(crashed_folder, "journal.db-wal", path);
    scratch_join(crashed_folder, "journal.db", journal);
    const uint64_t frame = 24 + page_size_of(journal);
    const uint64_t frames = (scratch_file_size(path) - 32) / frame;
    assert_true(frames > 20);
    for (uint64_t i = 0; i < 32; i++) {
        try_flip(crashed_folder, "journal.db-wal", i, "journal.db-wal: header");
    }
    for (uint64_t i = 0; i < frames; i += i + 6 < frames ? 5 : 1) {
        const char *header = i + 1 == frames ? "journal.db-wal: last frame's header"
                                             : "journal.db-wal: frame header";
        const char *body = i + 1 == frames ? "journal.db-wal: last frame" : "journal.db-wal: frame";
        uint64_t start = 32 + i * frame;
        for (uint64_t byte = 0; byte < 24; byte += 3) {
            try_flip(crashed_folder, "journal.db-wal", start + byte, header);
        }
        try_flip(crashed_folder, "journal.db-wal", start + 24, body);
        try_flip(crashed_folder, "journal.db-wal", start + 24 + 4000, body);
        try_flip(crashed_folder, "journal.db-wal", start + frame - 1, body);
    }
}

static void flipped_byte_in_the_head_file_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t slot = 0; slot < 3; slot++) {
        for (uint64_t byte = 0; byte < 128; byte += 5) {
            try_flip(closed_folder, "head", slot * 4096 + byte, "head: a slot");
        }
        try_flip(closed_folder, "head", slot * 4096 + 2000, "head: between slots");
    }
}

static void flipped_byte_in_format_is_refused(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_SIZE];
    scratch_join(closed_folder, "FORMAT", path);
    for (uint64_t i = 0; i < scratch_file_size(path); i++) {
        try_flip(closed_folder, "FORMAT", i, "FORMAT");
    }
}

static void flipped_byte_in_a_segment_is_found(void **state)
{
    (void)state;
    static const char file[] = "archive/0000000000000001-0000000000000016.segment";
    char path[SCRATCH_PATH_SIZE];
    scratch_join(closed_folder, file, path);
    uint64_t size = scratch_file_size(path);
    assert_true(size > 2000);
    for (uint64_t i = 0; i < 128; i += 9) try_flip(closed_folder, file, i, "segment: header");
    for (uint64_t i = 128; i < size - 64 - 16 * 72; i += size / 20) {
        try_flip(closed_folder, file, i, "segment: batches");
    }
    for (uint64_t i = size - 64 - 16 * 72; i < size - 64; i += 31) {
        try_flip(closed_folder, file, i, "segment: table");
    }
    for (uint64_t i = size - 64; i < size; i += 3) {
        try_flip(closed_folder, file, i, "segment: footer");
    }
}

/* As after a power cut: the head file is behind, and only the WAL itself can tell. */
static enum verdict judge_wal_alone(uint64_t offset)
{
    char path[SCRATCH_PATH_SIZE];
    char young[SCRATCH_PATH_SIZE];
    char head[SCRATCH_PATH_SIZE];
    struct error error = { 0 };
    renew_victim(crashed_folder);
    scratch_path("young", young);
    scratch_remove(young);
    expect_ok(data_folder_create(young, NULL, &error), &error);
    scratch_join(young, "head", path);
    scratch_join(victim, "head", head);
    assert_int_equal(rename(path, head), 0);
    scratch_join(victim, "journal.db-wal", path);
    flip_byte(path, offset, 0x10);
    return judge_journal(victim);
}

static void damage_in_the_wal_is_found_without_the_head_file(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_SIZE];
    scratch_join(crashed_folder, "journal.db", path);
    const uint64_t frame = 24 + page_size_of(path);
    scratch_join(crashed_folder, "journal.db-wal", path);
    const uint64_t size = scratch_file_size(path);
    const uint64_t frames = (size - 32) / frame;
    for (uint64_t byte = 0; byte < 32; byte++) assert_int_equal(judge_wal_alone(byte), REFUSED);
    for (uint64_t i = 0; i + 20 < frames; i += 9) {
        assert_int_equal(judge_wal_alone(32 + i * frame + i % 24), REFUSED);
        assert_int_equal(judge_wal_alone(32 + i * frame + 24 + i * 31 % 8192), REFUSED);
    }
    /* The last transaction may be the torn tail of a cut: it is dropped, the rest is good. */
    struct error error = { 0 };
    struct store *store = NULL;
    struct store_head head;
    assert_int_equal(judge_wal_alone(size - 100), WRONG); /* one batch less than was there */
    struct sqlite_store_options options = store_options(victim);
    expect_ok(sqlite_store_open(&options, &store, &error), &error);
    expect_ok(store->head(store, &head, &error), &error);
    assert_int_equal(head.sequence, HEAD - 1);
    expect_ok(scratch_verify(store, &error), &error);
    store->close(store);
}

/* ---- lost ends and lost files ---- */

static void expect_refused(const char *what)
{
    struct error error = { 0 };
    struct store *store = NULL;
    struct sqlite_store_options options = store_options(victim);
    enum status status = sqlite_store_open(&options, &store, &error);
    if (status != STATUS_CORRUPT) fail_msg("%s: %s", what, status_name(status));
    assert_true(strlen(error.message) > 0 && strlen(error.hint) > 0);
}

static void lost_tail_is_refused(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_SIZE];
    assert_int_equal(judge_journal(crashed_folder), NO_EFFECT); /* whole, it is good */
    (void)make_folders(NULL);                                   /* that wrote to it */
    renew_victim(crashed_folder);
    scratch_join(victim, "journal.db-wal", path);
    uint64_t size = scratch_file_size(path);
    assert_int_equal(unlink(path), 0);
    expect_refused("WAL deleted");
    for (uint64_t cut = 0; cut < size; cut += size / 23 + 1) {
        renew_victim(crashed_folder);
        assert_int_equal(truncate(path, (off_t)cut), 0);
        expect_refused("WAL cut");
    }
    renew_victim(crashed_folder);
    assert_int_equal(truncate(path, (off_t)size - 1), 0);
    expect_refused("WAL one byte short");
}

static void old_copy_is_refused(void **state)
{
    (void)state;
    struct error error = { 0 };
    char old[SCRATCH_PATH_SIZE];
    char from[SCRATCH_PATH_SIZE];
    char to[SCRATCH_PATH_SIZE];
    renew_victim(closed_folder);
    scratch_path("old", old);
    scratch_remove(old);
    assert_int_equal(mkdir(old, 0700), 0);
    scratch_copy(victim, old);
    struct store *store = NULL;
    struct store_head head;
    struct sqlite_store_options options = store_options(victim);
    expect_ok(sqlite_store_open(&options, &store, &error), &error);
    expect_ok(store->claim(store, &head, &error), &error); /* only the epoch is newer */
    store->close(store);
    scratch_join(old, "journal.db", from);
    scratch_join(victim, "journal.db", to);
    assert_int_equal(rename(from, to), 0);
    expect_refused("old copy");
}

static void lost_files_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = { "journal.db", "head" };
    char path[SCRATCH_PATH_SIZE];
    for (size_t i = 0; i < 2; i++) {
        renew_victim(closed_folder);
        scratch_join(victim, files[i], path);
        uint64_t size = scratch_file_size(path);
        assert_int_equal(unlink(path), 0);
        expect_refused("deleted");
        for (uint64_t cut = 0; cut < size; cut += size / 7 + 1) {
            renew_victim(closed_folder);
            assert_int_equal(truncate(path, (off_t)cut), 0);
            expect_refused("cut");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_byte_in_the_journal_is_never_silent),
        cmocka_unit_test(flipped_byte_in_the_index_is_never_silent),
        cmocka_unit_test(flipped_byte_in_the_wal_is_refused),
        cmocka_unit_test(flipped_byte_in_the_head_file_loses_nothing),
        cmocka_unit_test(flipped_byte_in_format_is_refused),
        cmocka_unit_test(flipped_byte_in_a_segment_is_found),
        cmocka_unit_test(damage_in_the_wal_is_found_without_the_head_file),
        cmocka_unit_test(lost_tail_is_refused),
        cmocka_unit_test(old_copy_is_refused),
        cmocka_unit_test(lost_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folders, print_summary);
}
