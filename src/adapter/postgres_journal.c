/* Plain SQL, which CockroachDB and YugabyteDB know as well; every table is found by its lane. */
#include "adapter/postgres_journal.h"

#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/hash.h"

#define LANE_COLUMNS "epoch, writer, sequence, stamp, mark, hash"

const struct postgres_statement POSTGRES_LANE_INSERT = {
    "lane_insert", "INSERT INTO lane(number, epoch, writer, sequence, stamp, hash, mark)"
                   " VALUES($1::int4, $2::int8, $3::int8, $4::int8, $5::int8, $6::bytea, $7::int8)"
                   " ON CONFLICT (number) DO NOTHING"
};
const struct postgres_statement POSTGRES_LANE_SELECT = { "lane_select",
                                                         "SELECT " LANE_COLUMNS
                                                         " FROM lane WHERE number = $1::int4" };
const struct postgres_statement POSTGRES_LANE_LOCK = {
    "lane_lock", "SELECT " LANE_COLUMNS " FROM lane WHERE number = $1::int4 FOR UPDATE"
};
const struct postgres_statement POSTGRES_LANE_CLAIM = {
    "lane_claim",
    "UPDATE lane SET epoch = $2::int8, writer = $3::int8, sequence = $4::int8, stamp = $5::int8,"
    " hash = $6::bytea, mark = $7::int8 WHERE number = $1::int4"
};
const struct postgres_statement POSTGRES_LANE_WRITER = {
    "lane_writer", "UPDATE lane SET writer = writer + 1"
                   " WHERE number = $1::int4 AND epoch = $2::int8 RETURNING writer"
};
const struct postgres_statement POSTGRES_LANE_MOVE = {
    "lane_move",
    "WITH moved AS (UPDATE lane SET sequence = $4::int8, stamp = $5::int8, hash = $6::bytea,"
    " mark = $7::int8 WHERE number = $1::int4 AND epoch = $2::int8 AND writer = $3::int8"
    " AND sequence = $4::int8 - 1 RETURNING 1)"
    " SELECT 1 / count(*) FROM moved"
};
const struct postgres_statement POSTGRES_BATCH_INSERT = {
    "batch_insert",
    "INSERT INTO batch(lane, sequence, stamp, size, mark, hash, data)"
    " VALUES($1::int4, $2::int8, $3::int8, $4::int4, $5::int8, $6::bytea, $7::bytea)"
};
const struct postgres_statement POSTGRES_BATCH_SELECT = {
    "batch_select", "SELECT sequence, stamp, size, mark, hash, data FROM batch"
                    " WHERE lane = $1::int4 AND sequence = $2::int8"
};
const struct postgres_statement POSTGRES_BATCH_PART = {
    "batch_part", "SELECT substring(data FROM $3::int4 FOR $4::int4) FROM batch"
                  " WHERE lane = $1::int4 AND sequence = $2::int8"
};
const struct postgres_statement POSTGRES_BATCH_STAMP = {
    "batch_stamp",
    "SELECT coalesce((SELECT sequence FROM batch WHERE lane = $1::int4 AND stamp >= $2::int8"
    " ORDER BY stamp LIMIT 1), (SELECT sequence + 1 FROM lane WHERE number = $1::int4))"
};
const struct postgres_statement POSTGRES_LANES_SELECT = {
    "lanes_select", "SELECT count(*), coalesce(max(sequence), 0) FROM lane"
};
const struct postgres_statement POSTGRES_LEDGER_SELECT = {
    "ledger_select", "SELECT id FROM ledger WHERE number = 0"
};
const struct postgres_statement POSTGRES_LEDGER_INSERT = {
    "ledger_insert", "INSERT INTO ledger(number, id) VALUES(0, $1::uuid)"
                     " ON CONFLICT (number) DO NOTHING"
};
const struct postgres_statement POSTGRES_NEWEST_SELECT = {
    "newest_select", "SELECT " LANE_COLUMNS ", batch.* FROM lane LEFT JOIN"
                     " (SELECT sequence AS newest, stamp AS newest_stamp, size AS newest_size,"
                     " mark AS newest_mark, hash AS newest_hash FROM batch WHERE lane = $1::int4"
                     " ORDER BY sequence DESC LIMIT 1) AS batch ON true WHERE number = $1::int4"
};
/*
 * Generation by generation, so that each is a seek in the primary key and the rest of the last
 * sweep is not looked at.
 */
const struct postgres_statement POSTGRES_SLICE_DELETE = {
    "slice_delete",
    "WITH RECURSIVE older(generation) AS ("
    " SELECT min(generation) FROM slice"
    "  WHERE lane = $1::int4 AND number = $2::int4 AND generation < $3::int8"
    " UNION ALL"
    " SELECT (SELECT min(slice.generation) FROM slice WHERE lane = $1::int4 AND number = $2::int4"
    "  AND slice.generation > older.generation AND slice.generation < $3::int8)"
    " FROM older WHERE older.generation IS NOT NULL)"
    " DELETE FROM slice WHERE lane = $1::int4 AND number = $2::int4"
    " AND generation IN (SELECT generation FROM older) AND low <= $4::int8 AND high <= $4::int8"
};
const struct postgres_statement POSTGRES_SLICE_INSERT = {
    "slice_insert",
    "INSERT INTO slice(lane, number, generation, low, high, at_batch, size, mark, digest, data)"
    " VALUES($1::int4, $2::int4, $3::int8, $4::int8, $5::int8, $6::int8, $7::int4, $8::int8,"
    " $9::bytea, $10::bytea)"
    " ON CONFLICT (lane, number, generation, low) DO UPDATE SET high = EXCLUDED.high,"
    " at_batch = EXCLUDED.at_batch, size = EXCLUDED.size, mark = EXCLUDED.mark,"
    " digest = EXCLUDED.digest, data = EXCLUDED.data"
};
const struct postgres_statement POSTGRES_SLICE_LIST = {
    "slice_list", "SELECT number, generation, low, high, at_batch, size, mark, digest FROM slice"
                  " WHERE lane = $1::int4 ORDER BY number, generation, low"
};
const struct postgres_statement POSTGRES_SLICE_SELECT = {
    "slice_select",
    "SELECT number, generation, low, high, at_batch, size, mark, digest, data FROM slice"
    " WHERE lane = $1::int4 AND number = $2::int4 AND generation = $3::int8 AND low = $4::int8"
};

/* ---- marks: the columns laid out back to back, the kind of row first ---- */

enum mark_kind { MARK_LANE = 1, MARK_BATCH, MARK_SLICE };

static int64_t mark_of(const uint64_t *numbers, size_t count, const void *digest,
                       size_t digest_size)
{
    uint64_t words[16];
    CHECK(count + (digest_size + 7) / 8 <= sizeof words / sizeof words[0]);
    memcpy(words, numbers, count * sizeof words[0]);
    memcpy(words + count, digest, digest_size);
    return (int64_t)hash_bytes(words, count * sizeof words[0] + digest_size);
}

static int64_t lane_mark(uint32_t lane, const struct store_head *head)
{
    const uint64_t numbers[] = { MARK_LANE, lane, head->epoch, head->sequence,
                                 (uint64_t)head->stamp.ns };
    return mark_of(numbers, sizeof numbers / sizeof numbers[0], &head->hash, sizeof head->hash);
}

static int64_t batch_mark(uint32_t lane, const struct postgres_batch_row *row)
{
    const uint64_t numbers[] = { MARK_BATCH, lane, row->sequence, (uint64_t)row->stamp.ns,
                                 row->size };
    return mark_of(numbers, sizeof numbers / sizeof numbers[0], &row->hash, sizeof row->hash);
}

static int64_t slice_mark(uint32_t lane, const struct postgres_slice_row *row)
{
    const struct store_slice *slice = &row->slice;
    const uint64_t numbers[] = { MARK_SLICE,  lane,      slice->table,    slice->generation,
                                 slice->from, slice->to, slice->at_batch, slice->size };
    return mark_of(numbers, sizeof numbers / sizeof numbers[0], row->digest, sizeof row->digest);
}

/* ---- parameters ---- */

static void bind_head(struct postgres_parameters *parameters, uint32_t lane,
                      const struct store_head *head, uint64_t writer)
{
    *parameters = (struct postgres_parameters){ 0 };
    postgres_bind_int32(parameters, (int32_t)lane);
    postgres_bind_number(parameters, head->epoch);
    postgres_bind_number(parameters, writer);
    postgres_bind_number(parameters, head->sequence);
    postgres_bind_int64(parameters, head->stamp.ns);
    postgres_bind_bytes(parameters, &head->hash, sizeof head->hash);
    postgres_bind_int64(parameters, lane_mark(lane, head));
}

void postgres_lane_bind(struct postgres_parameters *parameters, uint32_t lane,
                        const struct postgres_lane_row *row)
{
    bind_head(parameters, lane, &row->head, row->writer);
}

void postgres_move_bind(struct postgres_parameters *parameters, uint32_t lane,
                        const struct store_batch *batch, uint64_t writer)
{
    const struct store_head head = { batch->epoch, batch->sequence, batch->hash, batch->stamp };
    bind_head(parameters, lane, &head, writer);
    parameters->values[5] = (const char *)&batch->hash; /* `head` does not outlive this call */
}

void postgres_batch_bind(struct postgres_parameters *parameters, uint32_t lane,
                         const struct store_batch *batch)
{
    const struct postgres_batch_row row = { batch->sequence, batch->stamp, batch->size,
                                            batch->hash };
    *parameters = (struct postgres_parameters){ 0 };
    postgres_bind_int32(parameters, (int32_t)lane);
    postgres_bind_number(parameters, batch->sequence);
    postgres_bind_int64(parameters, batch->stamp.ns);
    postgres_bind_int32(parameters, (int32_t)batch->size);
    postgres_bind_int64(parameters, batch_mark(lane, &row));
    postgres_bind_bytes(parameters, &batch->hash, sizeof batch->hash);
    postgres_bind_bytes(parameters, batch->data, batch->size);
}

void postgres_slice_bind(struct postgres_parameters *parameters, uint32_t lane,
                         const struct postgres_slice_row *row, const void *data)
{
    const struct store_slice *slice = &row->slice;
    *parameters = (struct postgres_parameters){ 0 };
    postgres_bind_int32(parameters, (int32_t)lane);
    postgres_bind_int32(parameters, (int32_t)slice->table);
    postgres_bind_number(parameters, slice->generation);
    postgres_bind_number(parameters, slice->from);
    postgres_bind_number(parameters, slice->to);
    postgres_bind_number(parameters, slice->at_batch);
    postgres_bind_int32(parameters, (int32_t)slice->size);
    postgres_bind_int64(parameters, slice_mark(lane, row));
    postgres_bind_bytes(parameters, row->digest, sizeof row->digest);
    postgres_bind_bytes(parameters, data, slice->size);
}

/* ---- rows ---- */

static enum status row_damaged(struct error *out_error, const char *table, uint64_t key)
{
    (void)error_set(out_error, STATUS_CORRUPT, "row %llu of table %s in the database is damaged",
                    (unsigned long long)key, table);
    error_detail(out_error, "its columns do not match its mark");
    error_hint(out_error, "run `tpwallet check`; restore a backup of the database");
    return STATUS_CORRUPT;
}

enum status postgres_lane_read(const PGresult *result, uint32_t lane,
                               struct postgres_lane_row *out_row, struct error *out_error)
{
    if (PQntuples(result) != 1) {
        (void)error_set(out_error, STATUS_NOT_FOUND, "the database has no lane %u", lane);
        error_hint(out_error, "`tpwallet init --store URL` makes one");
        return STATUS_NOT_FOUND;
    }
    struct postgres_lane_row row = {
        .head = { .epoch = (uint64_t)postgres_int64(result, 0, 0),
                  .sequence = (uint64_t)postgres_int64(result, 0, 2),
                  .stamp = { postgres_int64(result, 0, 3) } },
        .writer = (uint64_t)postgres_int64(result, 0, 1),
    };
    if (!postgres_copy(result, 0, 5, &row.head.hash, sizeof row.head.hash) ||
        postgres_int64(result, 0, 4) != lane_mark(lane, &row.head)) {
        return row_damaged(out_error, "lane", lane);
    }
    *out_row = row;
    return STATUS_OK;
}

enum status postgres_batch_read(const PGresult *result, int column, uint32_t lane,
                                struct postgres_batch_row *out_row, struct error *out_error)
{
    struct postgres_batch_row row = {
        .sequence = (uint64_t)postgres_int64(result, 0, column),
        .stamp = { postgres_int64(result, 0, column + 1) },
        .size = (uint64_t)postgres_int32(result, 0, column + 2),
    };
    if (!postgres_copy(result, 0, column + 4, &row.hash, sizeof row.hash) ||
        postgres_int64(result, 0, column + 3) != batch_mark(lane, &row)) {
        return row_damaged(out_error, "batch", row.sequence);
    }
    *out_row = row;
    return STATUS_OK;
}

enum status postgres_slice_row_read(const PGresult *result, int at, uint32_t lane,
                                    struct postgres_slice_row *out_row, struct error *out_error)
{
    struct postgres_slice_row row = { .slice = {
                                          .table = (uint32_t)postgres_int32(result, at, 0),
                                          .generation = (uint64_t)postgres_int64(result, at, 1),
                                          .from = (uint64_t)postgres_int64(result, at, 2),
                                          .to = (uint64_t)postgres_int64(result, at, 3),
                                          .at_batch = (uint64_t)postgres_int64(result, at, 4),
                                          .size = (size_t)postgres_int32(result, at, 5),
                                      } };
    if (!postgres_copy(result, at, 7, row.digest, sizeof row.digest) ||
        postgres_int64(result, at, 6) != slice_mark(lane, &row)) {
        return row_damaged(out_error, "slice", row.slice.table);
    }
    *out_row = row;
    return STATUS_OK;
}

void postgres_slice_digest(const void *data, size_t size,
                           uint8_t out_digest[POSTGRES_SLICE_DIGEST_SIZE])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, size));
    memcpy(out_digest, canonical.digest, POSTGRES_SLICE_DIGEST_SIZE);
}
