/* ledger_id.h - which ledger it is: an id drawn once, and kept in a folder's file `ledger`. */
#ifndef ADAPTER_LEDGER_ID_H
#define ADAPTER_LEDGER_ID_H

#include "base/error.h"
#include "base/status.h"
#include "base/uuid.h"

/* 128 random bits, never nil. */
struct uuid ledger_id_draw(void);

/*
 * Of a file, one line. Nil: there is none, as in folders from before ledgers had ids.
 * STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_DENIED.
 */
enum status ledger_id_read(const char *path, struct uuid *out_ledger, struct error *out_error)
    MUST_CHECK;

/*
 * Makes the file, durably. One that is there stays: STATUS_INVALID when it names another.
 * Else as new_file_write().
 */
enum status ledger_id_write(const char *path, struct uuid ledger, struct error *out_error)
    MUST_CHECK;

#endif
