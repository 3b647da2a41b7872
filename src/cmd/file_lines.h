/* file_lines.h - files of people read line by line, or as JSON documents, within a bound. */
#ifndef CMD_FILE_LINES_H
#define CMD_FILE_LINES_H

#include "base/error.h"
#include "doctor/json_tree.h"

/* visit returns the status that ends the reading, if it is not OK. Views are good meanwhile. */
struct file_visitor {
    enum status (*line)(void *owner, struct str line);
    enum status (*document)(void *owner, const struct json_node *document);
    void *owner;
    uint64_t *out_number; /* where the line's place in the file is told, from 1; NULL: nowhere.
                           * 0: the document is the whole file */
};

/*
 * Every line that is not empty, without its end; the last one needs none. Lines of more than
 * size_max bytes are counted and passed over, unread. STATUS_NOT_FOUND, STATUS_UNAVAILABLE,
 * STATUS_LIMIT: no memory.
 */
enum status file_lines_read(const char *path, size_t size_max, const struct file_visitor *visitor,
                            uint64_t *out_passed_over, struct error *out_error) MUST_CHECK;

enum { FILE_DOCUMENT_LINE_MAX = 16 << 20, FILE_DOCUMENT_SIZE_MAX = 64 << 20 };

/*
 * JSON documents: one on each line, when the first line is one, or else one that is the whole file.
 * Lines that are no JSON or longer than FILE_DOCUMENT_LINE_MAX are counted. STATUS_INVALID: it is
 * neither; STATUS_LIMIT: the one document is larger than FILE_DOCUMENT_SIZE_MAX; and as above.
 */
enum status file_documents_read(const char *path, const struct file_visitor *visitor,
                                uint64_t *out_rejected, struct error *out_error) MUST_CHECK;

#endif
