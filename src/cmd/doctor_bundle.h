/* doctor_bundle.h - the folder of an incident's evidence: written source by source, under custody. */
#ifndef CMD_DOCTOR_BUNDLE_H
#define CMD_DOCTOR_BUNDLE_H

#include <stdio.h>

#include "adapter/hashed_file.h"
#include "base/error.h"
#include "cmd/invocation.h"
#include "doctor/custody.h"
#include "doctor/evidence_line.h"
#include "doctor/incident.h"

/*
 *     bundle/
 *       incident.json, incident.md   the ticket
 *       sources.ndjson               what was collected: a source of the manifest on each line
 *       evidence/NN-NAME.ndjson      the records
 *       manifest.json                made of the two
 *       custody.log                  who did what; the newest entry of a file has its digest
 *
 * Every change of a file is an entry of custody.log, signed by the key at hand.
 */
enum { DOCTOR_SOURCE_SIZE_MAX = 64 << 10, DOCTOR_PATH_MAX = 4096 };

struct doctor_bundle {
    const char *path;
    struct note_signer signer;
    bool signs;  /* a key was given */
    int folder;  /* open; 0: it is not */
    bool locked; /* whoever has a key alone may write */
    struct custody_chain chain;
    struct buf custody; /* custody.log, as far as it was read and entered */
    struct incident incident;
    struct arena arena; /* of the incident's texts */
    struct buf ticket;  /* as it was read */
    struct buf sources; /* sources.ndjson */
    uint32_t source_count;
    uint64_t rows_written; /* since it was opened */
    uint64_t bytes_written;
    struct buf unread; /* of sources added since: what of them could not be read, a line each */
    bool made;         /* by this opening */
    struct error error;
};

/* A part of a source whose records have positions of their own: a partition, a table. */
enum { DOCTOR_PART_SIZE = 256 };
struct doctor_part {
    char name[DOCTOR_PART_SIZE];
    int64_t pos_lo; /* positions from here to pos_hi are there; none when it is above */
    int64_t pos_hi;
};

/* What is told of a source in the manifest. Texts are static or the command's. */
struct doctor_source {
    const char *name;      /* of its file: "ledger" */
    const char *system;    /* whose word it is */
    const char *collector; /* what read it */
    const char *order;     /* "total", "partition", "none" */
    const char *clock;
    uint32_t authority;
    const char *const *kinds; /* ends with NULL */
    const char *loss;         /* "none", "unknown" */
    struct wall_time from;
    struct wall_time to;
    int64_t clock_offset_ns;         /* of its clock against ours; 0 when it is ours */
    int64_t clock_error_ns;          /* that the offset may be wrong by */
    const char *version;             /* of the program that is the system; NULL: none told */
    struct uuid ledger;              /* of ours, which one it is; nil: it is no journal of ours */
    const struct doctor_part *parts; /* the coverage is told of each; from, to and loss are all's */
    uint32_t part_count;             /* 0: it is told of the whole */
    struct str
        coverage; /* JSON, as another bundle has it, instead of all these; "": made of them */
};

/* The file of a source while it is written. */
struct doctor_file {
    struct doctor_bundle *bundle;
    const struct doctor_source *source;
    struct hashed_file written;
    char name[256];
    char path[DOCTOR_PATH_MAX];
    struct buf line; /* lines not written yet */
    struct mask_counts masked;
    uint64_t rows;
    uint64_t rejected;
    uint64_t reject_line;      /* the first one's, from 1; 0: it stands on no line */
    const char *reject_reason; /* of the first one, static; NULL: not known */
    struct wall_time first;    /* what was seen is from here */
    struct wall_time last;     /* to here, unless */
    bool dated;                /* is not set: nothing was */
    struct wall_time newest;   /* begin of the latest line */
};

/*
 * An existing bundle, or with create a new one for the incident given (texts must outlive it). key
 * is the file of a private key, NULL to read only. What was entered in the custody by this key and
 * did not come to its place takes it; an entry without its end is none, and is cut off. Nothing else
 * of the bundle is trusted to say what is written where. STATUS_NOT_FOUND, STATUS_CONFLICT (it
 * exists and is none; another process writes it; or another key's change was not finished),
 * STATUS_DENIED: ticket or sources are not as the custody has them. STATUS_CORRUPT: its custody does
 * not hold, or a folder of it is a link.
 */
enum status doctor_bundle_open(const char *path, const char *key, const struct incident *create,
                               struct doctor_bundle *bundle) MUST_CHECK;
void doctor_bundle_close(struct doctor_bundle *bundle);
/* Away with a bundle that this opening made, whatever is in it. Close it all the same. */
void doctor_bundle_discard(struct doctor_bundle *bundle);

/* A note to the ticket, by the key's name, now. STATUS_LIMIT. */
enum status doctor_bundle_note(struct doctor_bundle *bundle, const char *text) MUST_CHECK;

/*
 * A file of the bundle is replaced whole, durably, and entered in the custody. STATUS_INVALID: that
 * is no name of one. STATUS_LIMIT: the disk or the custody is full; both are as before.
 */
enum status doctor_bundle_put(struct doctor_bundle *bundle, const char *name, const char *act,
                              struct str bytes) MUST_CHECK;
/* A file of the bundle. STATUS_NOT_FOUND, STATUS_LIMIT, STATUS_UNAVAILABLE; STATUS_CORRUPT: a link. */
enum status doctor_bundle_get(struct doctor_bundle *bundle, const char *name, struct buf *out_bytes)
    MUST_CHECK;

bool doctor_bundle_has(const struct doctor_bundle *bundle, const char *name);

/* Which ledger of ours it has evidence of; nil: of none, or of one from before they had ids. */
struct uuid doctor_bundle_ledger(struct doctor_bundle *bundle);
/* STATUS_CONFLICT: of another than this; nil is any. */
enum status doctor_bundle_is_of(struct doctor_bundle *bundle, struct uuid ledger) MUST_CHECK;
/* The same of the ledger of a folder. Also as data_folder_open(). */
enum status doctor_bundle_is_of_folder(struct doctor_bundle *bundle, const char *folder) MUST_CHECK;

/*
 * A source that is as good as a log: of the incident's window, without loss, in no order, by a
 * clock of the system's own. Whoever knows more says so.
 */
struct doctor_source doctor_source_of(const struct doctor_bundle *bundle, const char *name,
                                      const char *system, const char *const *kinds);

/*
 * The same, and as the newest entry of the custody about it has it; also when its writer was ended
 * before it took its place. Also STATUS_DENIED: it is not.
 */
enum status doctor_bundle_get_kept(struct doctor_bundle *bundle, const char *name,
                                   struct buf *out_bytes) MUST_CHECK;
/*
 * The same of a bundle that is only read, also where another has written since it was opened: then it is
 * all read again, with its custody. STATUS_DENIED: it still is not as the custody has it.
 */
enum status doctor_bundle_get_newest(struct doctor_bundle *bundle, const char *name,
                                     struct buf *out_bytes) MUST_CHECK;
/* Whose key put it there, as the newest entry says. False: the custody does not tell of it. */
bool doctor_bundle_signer(const struct doctor_bundle *bundle, const char *name,
                          struct note_key *out_key);
/*
 * A file of any size, to be read from its begin, after all of it was held against the custody.
 * STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status doctor_bundle_evidence(struct doctor_bundle *bundle, const char *name, FILE **out_file)
    MUST_CHECK;

enum status doctor_file_begin(struct doctor_bundle *bundle, const struct doctor_source *source,
                              struct doctor_file *out_file) MUST_CHECK;
/* What stands in file->line is `rows` records. Writes it when enough has come together. */
enum status doctor_file_rows(struct doctor_file *file, uint64_t rows) MUST_CHECK;
/* A line that is no record, with a static reason: counted, and the first one is told of. */
void doctor_file_reject(struct doctor_file *file, uint64_t line, const char *reason);
/* A line of this time was read, or one of a day from its begin to its end. */
void doctor_file_saw(struct doctor_file *file, struct wall_time from, struct wall_time to);
/*
 * The coverage of a file of lines: from the first to the last one seen, or as --from and --to of
 * the invocation say that it is whole. A file without a line covers nothing, and one of lines
 * without a time what both say.
 */
void doctor_file_bound(const struct doctor_file *file, const struct invocation *invocation,
                       struct doctor_source *source);
/*
 * Of what happened no line can be of later than now: where one is, clock or time zone of the whole
 * file are wrong. It is told, and the file covers nothing. After doctor_file_bound().
 */
void doctor_file_past(struct doctor_file *file, struct doctor_source *source);
/*
 * The source becomes part of the manifest; after a status that is not OK its file goes, nothing is
 * told of it, and status and error are what they were.
 */
enum status doctor_file_end(struct doctor_file *file, enum status status) MUST_CHECK;

/* What is told of a source that another bundle has: its line there, and its file's digest. */
struct doctor_adoption {
    struct str line;
    const struct digest *digest;
};
/* As doctor_file_end(), told of by that line. STATUS_CORRUPT: the bytes have another digest. */
enum status doctor_file_adopt(struct doctor_file *file, const struct doctor_adoption *adoption,
                              enum status status) MUST_CHECK;

/* manifest.json, the ticket and its Markdown anew; after sources or notes were added. */
enum status doctor_bundle_seal(struct doctor_bundle *bundle) MUST_CHECK;

#endif
