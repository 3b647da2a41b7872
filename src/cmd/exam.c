/* tpwallet exam: the doctor on wallets that are broken on purpose, and how often it is right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "cmd/command.h"
#include "cmd/file_bytes.h"
#include "cmd/invocation.h"
#include "cmd/report.h"
#include "sim/naive_lot.h"

/* ---- a case as files ---- */

static enum status file_write(const char *folder, const char *name, struct str bytes,
                              struct error *out_error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_set(out_error, STATUS_LIMIT, "the path of '%s' is too long", folder);
    return file_bytes_write(path, bytes, 0644, out_error);
}

static enum status folder_make(const char *path, struct error *out_error)
{
    if (mkdir(path, 0755) == 0) return STATUS_OK;
    return error_set(out_error, STATUS_CONFLICT, "the folder '%s' cannot be made: is it there?",
                     path);
}

static enum status case_write(const struct naive_case *made, uint64_t seed, const char *folder,
                              struct error *out_error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/evidence", folder);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_set(out_error, STATUS_LIMIT, "the path of '%s' is too long", folder);
    enum status status = folder_make(folder, out_error);
    if (status == STATUS_OK) status = folder_make(path, out_error);
    const struct naive_evidence *evidence = &made->world->evidence;
    for (uint32_t i = 0; i < NAIVE_SOURCES && status == STATUS_OK; i++) {
        char name[64];
        len = snprintf(name, sizeof name, "evidence/%s.ndjson",
                       naive_source_facts((enum naive_source)i)->name);
        CHECK(len > 0 && (size_t)len < sizeof name);
        if (evidence->dropped[i]) continue;
        status = file_write(folder, name, buf_view(&evidence->sources[i]), out_error);
    }
    BUF_SCOPE struct buf text;
    buf_init(&text, 1 << 20);
    if (status == STATUS_OK) status = naive_evidence_manifest(evidence, seed, NAIVE_END, &text);
    if (status == STATUS_OK)
        status = file_write(folder, "manifest.json", buf_view(&text), out_error);
    buf_reset(&text);
    if (status == STATUS_OK) status = naive_case_truth(made, &text);
    if (status == STATUS_OK) status = file_write(folder, "truth.json", buf_view(&text), out_error);
    return status;
}

static int exam_run(struct invocation *invocation)
{
    struct error error;
    const char *seed_text = invocation_text(invocation, "case");
    const char *folder = invocation_text(invocation, "out");
    const char *class_text = invocation_text(invocation, "class");
    bool dropped[NAIVE_SOURCES] = { false };
    enum naive_fault only = NAIVE_FAULT_COUNT;
    uint64_t seed = seed_text == NULL ? 0 : strtoull(seed_text, NULL, 10);
    if (class_text != NULL && !naive_fault_parse(str_from(class_text), &only)) {
        (void)error_set(&error, STATUS_INVALID, "'--class %s' is not a class of faults",
                        class_text);
        return report_error(invocation, &error);
    }
    struct naive_case made;
    bool clean = invocation_text(invocation, "clean") != NULL;
    naive_lot_draw(seed, clean ? NAIVE_LOT_CLEAN : NAIVE_LOT_SINGLE, only, dropped, &made);
    enum status status = case_write(&made, seed, folder, &error);
    naive_case_done(&made);
    return status == STATUS_OK ? EXIT_CODE_DONE : report_error(invocation, &error);
}

static const struct option exam_options[] = {
    { "case", "SEED", "write the case of this seed as a bundle, and its truth beside it", NULL },
    { "out", "DIR", "where --case puts it: a new folder", NULL },
    { "class", "ID", "only this class of faults", NULL },
    { "clean", NULL, "cases in which nothing is broken", NULL },
    { 0 },
};

const struct command command_exam = {
    .name = "exam",
    .summary = "the doctor on wallets that are broken on purpose, and how often it is right",
    .options = exam_options,
    .examples = "exam --case 17 --out case17",
    .run = exam_run,
};
