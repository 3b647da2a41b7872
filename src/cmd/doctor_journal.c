#include "cmd/doctor_journal.h"

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "base/check.h"

enum { FOLDER_PATH_SIZE = 4096 };

/* By its newest batch: the accounts made before that, and one for each of its records. */
static enum status accounts_count(struct doctor_lane *lane, struct error *out_error)
{
    struct batch_header header;
    if (lane->head == 0) return STATUS_OK;
    enum status status =
        lane->store->read_part(lane->store, lane->head, 0, sizeof header, &header, out_error);
    if (status == STATUS_OK && !batch_header_whole(&header))
        status = error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal is damaged",
                           (unsigned long long)lane->head);
    if (status == STATUS_OK) lane->accounts = header.first_account + header.record_count;
    return status;
}

static enum status lane_open(const char *folder, struct doctor_lane *lane, struct error *out_error)
{
    const struct folder_store_options options = { .read_only = true };
    struct store_head head;
    enum status status = data_folder_open(folder, DATA_FOLDER_GUEST, &lane->folder, out_error);
    if (status != STATUS_OK) return status;
    lane->number = data_folder_lane(lane->folder);
    status = folder_store_open(lane->folder, &options, &lane->store, out_error);
    if (status == STATUS_OK) status = lane->store->head(lane->store, &head, out_error);
    if (status != STATUS_OK) return status;
    lane->head = head.sequence;
    return accounts_count(lane, out_error);
}

enum status doctor_journal_open(const char *folder, struct doctor_journal *out_journal,
                                struct error *out_error)
{
    uint32_t count = 0;
    *out_journal = (struct doctor_journal){ 0 };
    enum status status = data_folder_count_lanes(folder, &count, out_error);
    CHECK(status != STATUS_OK || count <= LANES_MAX);
    for (uint32_t lane = 0; status == STATUS_OK && lane < count; lane++) {
        char path[FOLDER_PATH_SIZE];
        out_journal->count = lane + 1;
        status = data_folder_lane_path(folder, lane, path, sizeof path, out_error);
        struct doctor_lane *one = &out_journal->lanes[lane];
        if (status == STATUS_OK) status = lane_open(path, one, out_error);
        if (status == STATUS_OK) out_journal->ledger = folder_store_ledger(one->folder, one->store);
    }
    return status;
}

void doctor_journal_close(struct doctor_journal *journal)
{
    for (uint32_t lane = 0; lane < journal->count; lane++) {
        struct store *store = journal->lanes[lane].store;
        if (store != NULL) store->close(store);
        data_folder_close(journal->lanes[lane].folder);
    }
    *journal = (struct doctor_journal){ 0 };
}

enum status doctor_journal_walk(const struct doctor_lane *lane,
                                const struct doctor_journal_visitor *visitor,
                                struct error *out_error)
{
    struct store_head head;
    enum status status = lane->store->head(lane->store, &head, out_error);
    if (status != STATUS_OK) return status;
    struct journal_walk walk;
    journal_walk_open(&walk, lane->store, lane->number, 0);
    while (status == STATUS_OK && walk.sequence < head.sequence) {
        struct batch_reader reader;
        status = journal_walk_read(&walk, &reader, out_error);
        if (status == STATUS_OK) status = visitor->batch(visitor->owner, &reader, out_error);
        if (status == STATUS_OK) journal_walk_next(&walk);
    }
    journal_walk_close(&walk);
    return status;
}
