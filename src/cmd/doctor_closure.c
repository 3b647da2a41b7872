/* Our ledger as it is in a folder, beside the other sources of a bundle, collected and diagnosed. */
#include <string.h>

#include "base/check.h"
#include "cmd/child.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"

/* This program once more, with its output in a file. */
static enum status child_run(struct repair *repair, const char *const *words, struct buf *output,
                             int *out_code)
{
    struct child child;
    const struct child_files files = { buf_terminated(output), NULL };
    enum status status = child_start(words, &files, &child, &repair->error);
    if (status == STATUS_OK) *out_code = child_wait(&child);
    return status;
}

enum status repair_diagnose(struct repair *repair, const char *folder, const char *scratch,
                            struct buf *out_text)
{
    BUF_SCOPE struct buf bundle;
    BUF_SCOPE struct buf collected;
    BUF_SCOPE struct buf diagnosed;
    char id[INCIDENT_WORD_MAX + 1], from[TIME_TEXT_SIZE];
    struct str incident = repair->bundle.incident.id;
    buf_init(&bundle, DOCTOR_PATH_MAX);
    buf_init(&collected, DOCTOR_PATH_MAX);
    buf_init(&diagnosed, DOCTOR_PATH_MAX);
    buf_append_format(&bundle, "%s/again", scratch);
    buf_append_format(&collected, "%s/collected", scratch);
    buf_append_format(&diagnosed, "%s/after.json", scratch);
    memcpy(id, incident.data, incident.len);
    id[incident.len] = '\0';
    (void)wall_time_format(repair->bundle.incident.from, from);
    const char *const collect[] = { "doctor",
                                    "collect",
                                    buf_terminated(&bundle),
                                    "--key",
                                    invocation_text(repair->invocation, "key"),
                                    "--incident",
                                    id,
                                    "--title",
                                    "after the repair",
                                    "--from",
                                    from,
                                    "--ours",
                                    "--data",
                                    folder,
                                    "--again",
                                    repair->bundle.path,
                                    NULL };
    const char *const diagnose[] = { "doctor", "diagnose", buf_terminated(&bundle), "--json",
                                     NULL };
    int code = 0;
    enum status status = child_run(repair, collect, &collected, &code);
    if (status == STATUS_OK && code != EXIT_CODE_DONE)
        status =
            error_set(&repair->error, STATUS_UNAVAILABLE, "the evidence cannot be collected again");
    if (status == STATUS_OK) status = child_run(repair, diagnose, &diagnosed, &code);
    return status == STATUS_OK
               ? file_bytes_read(buf_terminated(&diagnosed), out_text, &repair->error)
               : status;
}
