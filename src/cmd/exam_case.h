/* exam_case.h - a case of the exam as files: a bundle, and its truth beside it. */
#ifndef CMD_EXAM_CASE_H
#define CMD_EXAM_CASE_H

#include "base/error.h"
#include "sim/naive_case.h"

/* Into a new folder. STATUS_CONFLICT: there is one. Else as cmd/file_bytes.h. */
enum status exam_case_write(const struct naive_case *made, uint64_t seed, const char *folder,
                            struct error *out_error) MUST_CHECK;

#endif
