/* wal_scan.h - finds damage in an SQLite WAL that SQLite itself would pass over in silence. */
#ifndef ADAPTER_WAL_SCAN_H
#define ADAPTER_WAL_SCAN_H

#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

/*
 * SQLite's recovery takes the WAL (sqlite.org/fileformat2.html#walformat) as ended at the first
 * frame whose checksum is wrong, and drops what stands behind it, committed or not. That is
 * right for the torn tail of a power cut, and silent loss for a flipped bit.
 *
 * The two are told apart by what stands behind the bad frame: a transaction is synced before
 * the next one begins, so when a commit frame and one more frame behind it are good, the bad
 * one was once synced: it is damage. Each frame is checked with the checksum stored in the
 * frame before it as the seed, so that one bad frame does not spoil those behind it. A bad frame
 * in the last transaction cannot be told from a torn tail here; the head file tells
 * (sqlite_head.h). The same holds for the WAL's header.
 *
 * Nothing is written. The WAL's database must not be open for writing. page_size is the
 * database's, used when the WAL's header is damaged.
 *
 * STATUS_OK also when there is no WAL. STATUS_CORRUPT names file and offset.
 * STATUS_UNAVAILABLE: it cannot be read.
 */
enum status wal_scan(const char *wal_path, uint32_t page_size, struct error *out_error) MUST_CHECK;

#endif
