/* A source that fits is sorted first, so that the numbers of records do not depend on the order
 * of its lines. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "adapter/sqlite_evidence_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/evidence_scan.h"
#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_evidence_schema.h"
#include "adapter/sqlite_evidence_store.h"
#include "adapter/thread_sync.h"
#include "base/buf.h"
#include "base/check.h"

enum {
    READ_SIZE = 1 << 20,
    LINE_ARENA_SIZE = EVIDENCE_LINE_MAX + 64 * 1024, /* one line's texts and keys */
    SORT_ARENA_SIZE = 3 * SQLITE_EVIDENCE_SORT_MAX,
};
_Static_assert((int)SORT_ARENA_SIZE > (int)LINE_ARENA_SIZE, "one arena serves both");

static void reject(struct sqlite_evidence *store, uint32_t source, uint64_t line,
                   const char *reason)
{
    struct evidence_source *shown = &store->sources[source];
    store->manifest->sources[source].rejected++;
    shown->rejected++;
    if (shown->first_reject_line != 0 && shown->first_reject_line <= line) return;
    shown->first_reject_line = line;
    shown->first_reject = reason;
}

static int bind_value(sqlite3_stmt *statement, int place, const struct record_value *value)
{
    if (value->text.data == NULL) return sqlite3_bind_int64(statement, place, value->number);
    return sqlite3_bind_text(statement, place, value->text.data, (int)value->text.len,
                             SQLITE_STATIC);
}

static enum status insert(struct sqlite_evidence *store, uint32_t source,
                          const struct record *record, struct error *out_error)
{
    sqlite3_stmt **statement = &store->inserts[record->kind];
    if (*statement == NULL) {
        enum status status =
            sqlite_evidence_prepare(store->db, record->kind, EVIDENCE_INSERT, statement, out_error);
        if (status != STATUS_OK) return status;
    }
    int64_t number = (++store->sequence << EVIDENCE_NUMBER_BITS) | record->kind;
    int code = sqlite3_clear_bindings(*statement);
    if (code == SQLITE_OK) code = sqlite3_bind_int64(*statement, 1, number);
    if (code == SQLITE_OK) code = sqlite3_bind_int64(*statement, 2, source);
    if (code == SQLITE_OK) code = sqlite3_bind_int64(*statement, 3, (int64_t)record->hash);
    for (uint64_t rest = record->seen; rest != 0 && code == SQLITE_OK; rest &= rest - 1) {
        int place = __builtin_ctzll(rest);
        code = bind_value(*statement, EVIDENCE_TABLE_COLUMNS + 1 + place, &record->values[place]);
    }
    if (code != SQLITE_OK) return sqlite_failure(store->db, code, out_error);
    store->loaded |= UINT64_C(1) << record->kind;
    store->sources[source].rows++;
    return sqlite_step_done(*statement, out_error);
}

/* False: a reject, counted. */
static bool parse(struct sqlite_evidence *store, uint32_t source, struct str line, uint64_t number,
                  struct record *out_record)
{
    const char *reason = "a line is over 64 KiB";
    if (line.len > EVIDENCE_LINE_MAX ||
        record_parse(&store->names, line, &store->arena, out_record, &reason) != STATUS_OK) {
        reject(store, source, number, reason);
        return false;
    }
    if ((store->manifest->sources[source].kinds >> out_record->kind & 1) == 0) {
        reject(store, source, number, "the source does not declare this kind");
        return false;
    }
    store->sources[source].unknown_fields += out_record->unknown_count;
    return true;
}

/* The file is the rows' from here on. */
static enum status scan_file(struct sqlite_evidence *store, uint32_t source, int file,
                             uint64_t size, struct error *out_error)
{
    struct evidence_source *shown = &store->sources[source];
    const struct evidence_row_source lines = {
        .file = file,
        .size = size,
        .kinds = store->manifest->sources[source].kinds,
    };
    struct evidence_scanned scanned;
    enum status status =
        evidence_rows_scan(&store->tables->rows, source, &lines, &scanned, out_error);
    if (status != STATUS_OK) return status;
    shown->rows += scanned.rows;
    shown->unknown_fields += scanned.unknown_fields;
    shown->rejected += scanned.rejected;
    store->manifest->sources[source].rejected += scanned.rejected;
    if (scanned.first_reject_line != 0) {
        shown->first_reject_line = scanned.first_reject_line;
        shown->first_reject = scanned.first_reject;
    }
    return STATUS_OK;
}

static int64_t field_or_zero(const struct record *record, uint32_t place)
{
    return (record->seen >> place & 1) == 0 ? 0 : record->values[place].number;
}

static int in_order(const void *left, const void *right)
{
    const struct record *a = *(const struct record *const *)left;
    const struct record *b = *(const struct record *const *)right;
    int64_t ts_a = field_or_zero(a, 0);
    int64_t ts_b = field_or_zero(b, 0);
    if (ts_a != ts_b) return ts_a < ts_b ? -1 : 1;
    int64_t pos_a = field_or_zero(a, 1);
    int64_t pos_b = field_or_zero(b, 1);
    if (pos_a != pos_b) return pos_a < pos_b ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

/* Whole lines become a file of no name, and rows of it. */
static enum status keep_lines(struct sqlite_evidence *store, uint32_t source, struct str lines,
                              struct error *out_error)
{
    int file = open(store->tables->rows.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return error_set(out_error, STATUS_UNAVAILABLE, "no file for evidence can be made in %s",
                         store->tables->rows.folder);
    size_t done = 0;
    while (done < lines.len) {
        ssize_t wrote = write(file, lines.data + done, lines.len - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            (void)close(file); /* it has no name: it is gone */
            return error_set(out_error, STATUS_LIMIT, "evidence cannot be written to a file");
        }
        done += (size_t)wrote;
    }
    return scan_file(store, source, file, lines.len, out_error);
}

/* What was found wrong was counted; what is unknown in a record is counted by the scan again. */
static enum status keep_sorted(struct sqlite_evidence *store, uint32_t source,
                               struct record *const *order, uint32_t count, struct error *out_error)
{
    struct buf BUF_SCOPE lines;
    buf_init(&lines, SQLITE_EVIDENCE_SORT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        buf_append_str(&lines, order[i]->line);
        buf_append_byte(&lines, '\n');
    }
    if (buf_status(&lines) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "no memory to sort in");
    store->sources[source].unknown_fields = 0;
    return keep_lines(store, source, buf_view(&lines), out_error);
}

static enum status load_sorted(struct sqlite_evidence *store, uint32_t source, struct str lines,
                               struct error *out_error)
{
    if (store->batch == NULL) {
        store->batch = malloc(EVIDENCE_SORT_RECORDS_MAX * sizeof *store->batch);
        if (store->batch == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to sort in");
    }
    static const size_t order_size = EVIDENCE_SORT_RECORDS_MAX * sizeof(struct record *);
    arena_reset(&store->arena);
    struct record **order = arena_take(&store->arena, order_size);
    CHECK(order != NULL);
    uint32_t count = 0;
    uint64_t number = 0;
    for (struct str line; str_take_line(&lines, &line);) {
        number++;
        if (line.len > 0 && parse(store, source, line, number, &store->batch[count])) {
            order[count] = &store->batch[count];
            count++;
        }
    }
    if (lines.len > 0) reject(store, source, number + 1, "the last line has no end");
    qsort(order, count, sizeof *order, in_order);
    if (store->tables != NULL) return keep_sorted(store, source, order, count, out_error);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = insert(store, source, order[i], out_error);
    }
    return status;
}

static enum status load_line(struct sqlite_evidence *store, uint32_t source, struct str line,
                             uint64_t number, struct error *out_error)
{
    struct record *record = &store->batch[0];
    arena_reset(&store->arena);
    if (line.len == 0 || !parse(store, source, line, number, record)) return STATUS_OK;
    return insert(store, source, record, out_error);
}

static uint32_t line_count(struct str lines)
{
    uint32_t count = 0;
    for (const char *at = lines.data; count <= EVIDENCE_SORT_RECORDS_MAX; count++) {
        const char *end = memchr(at, '\n', (size_t)(lines.data + lines.len - at));
        if (end == NULL) break;
        at = end + 1;
    }
    return count;
}

enum status sqlite_evidence_load(struct sqlite_evidence *store, uint32_t source, struct str lines,
                                 struct error *out_error)
{
    CHECK(source < store->manifest->source_count);
    if (lines.len == 0) return STATUS_OK;
    if (lines.len <= SQLITE_EVIDENCE_SORT_MAX && line_count(lines) <= EVIDENCE_SORT_RECORDS_MAX) {
        return load_sorted(store, source, lines, out_error);
    }
    if (store->tables != NULL) return keep_lines(store, source, lines, out_error);
    if (store->batch == NULL) {
        store->batch = malloc(EVIDENCE_SORT_RECORDS_MAX * sizeof *store->batch);
        if (store->batch == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to load in");
    }
    enum status status = STATUS_OK;
    uint64_t number = 0;
    for (struct str line; status == STATUS_OK && str_take_line(&lines, &line);) {
        status = load_line(store, source, line, ++number, out_error);
    }
    if (lines.len > 0) reject(store, source, number + 1, "the last line has no end");
    return status;
}

/* ---- files ---- */

struct reading {
    int file;
    uint8_t *bytes; /* READ_SIZE and EVIDENCE_LINE_MAX */
    size_t len;
    uint64_t number; /* lines begun */
    bool skipping;   /* in a line that is too long */
};

static enum status read_more(struct reading *reading, bool *out_end, struct error *out_error)
{
    ssize_t got;
    do {
        got = read(reading->file, reading->bytes + reading->len, READ_SIZE);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return error_set(out_error, STATUS_UNAVAILABLE, "evidence cannot be read");
    reading->len += (size_t)got;
    *out_end = got == 0;
    return STATUS_OK;
}

/* Takes the whole lines that are there; what is left of a line goes to the front. */
static enum status take_lines(struct sqlite_evidence *store, uint32_t source,
                              struct reading *reading, struct error *out_error)
{
    struct str rest = { (const char *)reading->bytes, reading->len };
    enum status status = STATUS_OK;
    for (struct str line; status == STATUS_OK && str_take_line(&rest, &line);) {
        if (reading->skipping) {
            reading->skipping = false;
            continue;
        }
        status = load_line(store, source, line, ++reading->number, out_error);
    }
    if (!reading->skipping && rest.len > EVIDENCE_LINE_MAX) {
        reject(store, source, ++reading->number, "a line is over 64 KiB");
        reading->skipping = true;
    }
    reading->len = reading->skipping ? 0 : rest.len;
    memmove(reading->bytes, rest.data, reading->len);
    return status;
}

static enum status load_stream(struct sqlite_evidence *store, uint32_t source,
                               struct reading *reading, struct error *out_error)
{
    bool end = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !end) {
        status = read_more(reading, &end, out_error);
        if (status == STATUS_OK) status = take_lines(store, source, reading, out_error);
    }
    if (status == STATUS_OK && reading->len > 0) {
        reject(store, source, reading->number + 1, "the last line has no end");
    }
    return status;
}

static enum status load_whole(struct sqlite_evidence *store, uint32_t source, int file, size_t size,
                              struct error *out_error)
{
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, SQLITE_EVIDENCE_SORT_MAX);
    uint8_t *data = buf_extend(&bytes, size);
    if (size > 0 && data == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to load in");
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(file, data + len, size - len);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return error_set(out_error, STATUS_UNAVAILABLE, "evidence cannot be read");
        len += (size_t)got;
    }
    return sqlite_evidence_load(store, source, buf_view(&bytes), out_error);
}

/* The digest of a file, also beside those who read it. */
struct digesting {
    int file;
    struct digest digest;
    enum status status;
    struct error error;
    struct task *task;
};

static void digest_body(void *argument)
{
    struct digesting *it = argument;
    struct digest_stream stream;
    uint64_t offset = 0;
    uint8_t *bytes = malloc(READ_SIZE);
    digest_stream_init(&stream);
    it->status =
        bytes == NULL ? error_set(&it->error, STATUS_LIMIT, "no memory to load in") : STATUS_OK;
    while (it->status == STATUS_OK) {
        ssize_t got = pread(it->file, bytes, READ_SIZE, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            it->status = error_set(&it->error, STATUS_UNAVAILABLE, "evidence cannot be read");
        if (got <= 0) break;
        digest_stream_add(&stream, bytes, (size_t)got);
        offset += (uint64_t)got;
    }
    it->digest = digest_stream_end(&stream);
    free(bytes);
}

/* That the file is what the manifest says, and no other source is the same file. */
static enum status verify(struct sqlite_evidence *store, uint32_t source, int64_t size,
                          const struct digest *digest, struct error *out_error)
{
    struct manifest_source *declared = &store->manifest->sources[source];
    if (declared->size >= 0 && declared->size != size) {
        return error_set(out_error, STATUS_CORRUPT, "%.*s: %lld bytes, and the manifest says %lld",
                         STR_ARG(declared->path), (long long)size, (long long)declared->size);
    }
    if (declared->has_digest && !digest_equal(&declared->sha256, digest)) {
        return error_set(out_error, STATUS_CORRUPT, "%.*s: its SHA-256 is not the manifest's",
                         STR_ARG(declared->path));
    }
    for (uint32_t i = 0; size > 0 && i < store->manifest->source_count; i++) {
        if (!store->has_digest[i] || !digest_equal(&store->digests[i], digest)) continue;
        declared->refused = true;
        store->sources[source].first_reject = "the same bytes as another source";
    }
    store->digests[source] = *digest;
    store->has_digest[source] = !declared->refused;
    return STATUS_OK;
}

/* Before it is loaded: of a file that may be the same as one before. */
static bool may_be_double(const struct sqlite_evidence *store, uint32_t source, int64_t size)
{
    for (uint32_t i = 0; i < store->manifest->source_count; i++) {
        if (i != source && store->has_digest[i] && store->sizes[i] == size) return true;
    }
    return false;
}

static enum status digest_check(struct sqlite_evidence *store, uint32_t source, int64_t size,
                                const struct digesting *it, struct error *out_error)
{
    if (it->status != STATUS_OK) {
        *out_error = it->error;
        return it->status;
    }
    store->sizes[source] = size;
    return verify(store, source, size, &it->digest, out_error);
}

/* A large file is loaded while its digest is made; what was loaded in vain is not looked at. */
static enum status load_beside(struct sqlite_evidence *store, uint32_t source, int64_t size,
                               struct digesting *it, struct error *out_error)
{
    struct sync *sync = thread_sync();
    int kept = fcntl(it->file, F_DUPFD_CLOEXEC, 0);
    if (kept < 0) return error_set(out_error, STATUS_LIMIT, "too many files are open");
    bool beside = sync->spawn(sync, "digest", digest_body, it, &it->task) == STATUS_OK;
    enum status status = scan_file(store, source, kept, (uint64_t)size, out_error);
    if (beside)
        sync->join(it->task);
    else
        digest_body(it);
    return status == STATUS_OK ? digest_check(store, source, size, it, out_error) : status;
}

static enum status load_open(struct sqlite_evidence *store, uint32_t source, int file,
                             struct error *out_error)
{
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        return error_set(out_error, STATUS_INVALID, "a source is not a plain file");
    }
    struct digesting digesting = { .file = file };
    bool large = info.st_size > SQLITE_EVIDENCE_SORT_MAX;
    if (large && store->tables != NULL && !may_be_double(store, source, info.st_size))
        return load_beside(store, source, info.st_size, &digesting, out_error);
    digest_body(&digesting);
    enum status status = digest_check(store, source, info.st_size, &digesting, out_error);
    if (status != STATUS_OK || store->manifest->sources[source].refused) return status;
    if (!large) return load_whole(store, source, file, (size_t)info.st_size, out_error);
    if (store->tables != NULL) {
        int kept = fcntl(file, F_DUPFD_CLOEXEC, 0);
        if (kept < 0) return error_set(out_error, STATUS_LIMIT, "too many files are open");
        return scan_file(store, source, kept, (uint64_t)info.st_size, out_error);
    }
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, READ_SIZE + EVIDENCE_LINE_MAX + 1);
    struct reading reading = { file, buf_extend(&bytes, bytes.size_max), 0, 0, false };
    if (reading.bytes == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to load in");
    if (store->batch == NULL) {
        store->batch = malloc(EVIDENCE_SORT_RECORDS_MAX * sizeof *store->batch);
        if (store->batch == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to load in");
    }
    return load_stream(store, source, &reading, out_error);
}

enum status sqlite_evidence_load_file(struct sqlite_evidence *store, uint32_t source,
                                      const char *path, struct error *out_error)
{
    CHECK(source < store->manifest->source_count);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        int error = errno;
        enum status failed = error == EACCES ? STATUS_DENIED : STATUS_NOT_FOUND;
        (void)error_set(out_error, failed, "%s: it cannot be opened", path);
        error_detail(out_error, "%s", strerror(error));
        error_hint(out_error, "the manifest names it: put the file in place, as a plain file");
        return failed;
    }
    enum status status = load_open(store, source, file, out_error);
    (void)close(file); /* only read */
    return status;
}
