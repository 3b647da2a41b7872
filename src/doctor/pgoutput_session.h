/* pgoutput_session.h - what a logical replication slot says, message by message, as evidence. */
#ifndef DOCTOR_PGOUTPUT_SESSION_H
#define DOCTOR_PGOUTPUT_SESSION_H

#include "doctor/pgoutput.h"
#include "doctor/wal_writer.h"

enum { PGOUTPUT_RELATIONS_MAX = 1024 }; /* tables told of in one session */

struct pgoutput_session {
    const struct wal_mapping *mapping;
    struct wal_writer *writer;
    struct pgoutput_message message;
    bool inside; /* of a transaction */
    uint32_t relation_count;
    struct {
        uint32_t relation;
        uint32_t column_count;
        bool mapped;
        struct wal_binding binding;
    } relations[PGOUTPUT_RELATIONS_MAX];
};

/* The session is large: not for the stack. */
void pgoutput_session_init(struct pgoutput_session *session, const struct wal_mapping *mapping,
                           struct wal_writer *writer);

/*
 * One message, at its place in the log. STATUS_INVALID: it is broken, out of order, or a table of
 * the mapping lacks a column; STATUS_LIMIT: more than PGOUTPUT_RELATIONS_MAX tables.
 */
enum status pgoutput_session_take(struct pgoutput_session *session, int64_t pos, struct str bytes,
                                  struct error *out_error) MUST_CHECK;

#endif
