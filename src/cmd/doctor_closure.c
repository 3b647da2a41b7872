/* Bundles diagnosed by this program once more; also our ledger as it is in a folder, beside a bundle's
 * other sources. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/child.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"

enum { DIAGNOSED_MAX = 7 }; /* exit codes of a diagnosis that was made: bits of 1, 2 and 4 */

/* Its standard output goes to a file. */
static enum status child_run(const char *const *words, const char *output, int *out_code,
                             struct error *out_error)
{
    struct child child;
    const struct child_files files = { output, NULL };
    enum status status = child_start(words, &files, &child, out_error);
    if (status == STATUS_OK) *out_code = child_wait(&child);
    return status;
}

enum status bundle_diagnose(const struct bundle_diagnosing *what, struct buf *out_text,
                            struct error *out_error)
{
    char output[DOCTOR_PATH_MAX];
    int code = 0;
    int len = snprintf(output, sizeof output, "%s/diagnosis.json", what->scratch);
    if (len <= 0 || (size_t)len >= sizeof output)
        return error_set(out_error, STATUS_INVALID, "the path of the scratch folder is too long");
    const char *words[] = { "doctor", "diagnose", what->bundle, "--json", NULL, NULL, NULL };
    if (what->rules != NULL) {
        words[4] = "--rules";
        words[5] = what->rules;
    }
    enum status status = child_run(words, output, &code, out_error);
    if (status != STATUS_OK) return status;
    if (code > DIAGNOSED_MAX)
        return error_set(out_error, STATUS_UNAVAILABLE,
                         "the evidence could not be diagnosed: see above");
    return file_bytes_read(output, out_text, out_error);
}

enum status repair_diagnose(struct repair *repair, const char *folder, const char *scratch,
                            struct buf *out_text)
{
    BUF_SCOPE struct buf bundle;
    BUF_SCOPE struct buf collected;
    char id[INCIDENT_WORD_MAX + 1], from[TIME_TEXT_SIZE];
    struct str incident = repair->bundle.incident.id;
    buf_init(&bundle, DOCTOR_PATH_MAX);
    buf_init(&collected, DOCTOR_PATH_MAX);
    buf_append_format(&bundle, "%s/again", scratch);
    buf_append_format(&collected, "%s/collected", scratch);
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
    int code = 0;
    enum status status = child_run(collect, buf_terminated(&collected), &code, &repair->error);
    if (status == STATUS_OK && code != EXIT_CODE_DONE)
        status =
            error_set(&repair->error, STATUS_UNAVAILABLE, "the evidence cannot be collected again");
    if (status != STATUS_OK) return status;
    const struct bundle_diagnosing again = { .bundle = buf_terminated(&bundle),
                                             .scratch = scratch };
    return bundle_diagnose(&again, out_text, &repair->error);
}
