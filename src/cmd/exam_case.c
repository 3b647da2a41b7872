#include "cmd/exam_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/new_file.h"
#include "base/check.h"

static enum status file_write(const char *folder, const char *name, struct str bytes,
                              struct error *out_error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_set(out_error, STATUS_LIMIT, "the path of '%s' is too long", folder);
    return new_file_write(path, bytes, 0644, out_error);
}

static enum status folder_make(const char *path, struct error *out_error)
{
    if (mkdir(path, 0755) == 0) return STATUS_OK;
    int error = errno;
    enum status status = error == EEXIST ? STATUS_CONFLICT : STATUS_NOT_FOUND;
    if (error == EACCES) status = STATUS_DENIED;
    (void)error_set(out_error, status, "the folder '%s' cannot be made", path);
    error_detail(out_error, "%s", strerror(error));
    error_hint(out_error, "--out is a new folder, in one that is there and may be written");
    return status;
}

enum status exam_case_write(const struct naive_case *made, uint64_t seed, const char *folder,
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
