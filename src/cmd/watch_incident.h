/* watch_incident.h - an incident that is opened by an alert, with our ledger's evidence in it. */
#ifndef CMD_WATCH_INCIDENT_H
#define CMD_WATCH_INCIDENT_H

#include "base/error.h"

struct watch_incident {
    const char *bundle; /* a new folder */
    const char *key;    /* signs its custody */
    const char *data;   /* whose ledger it is */
    const char *alert;  /* the title: what was found */
};

/*
 * What `tpwallet doctor collect --ours` does, with the alert as the title and as a note.
 * STATUS_CONFLICT: the folder is there and is no bundle; those of doctor_bundle_open().
 */
enum status watch_incident_open(const struct watch_incident *incident, struct error *out_error)
    MUST_CHECK;

#endif
