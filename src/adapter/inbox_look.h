/* inbox_look.h - all webhooks of a data folder's inbox, looked at beside whoever writes it. */
#ifndef ADAPTER_INBOX_LOOK_H
#define ADAPTER_INBOX_LOOK_H

#include "port/inbox.h"

struct data_folder;

/*
 * In order of storing, with what they are about; nothing is changed. In the folder it is one
 * snapshot, in its database one for each page. Views are good during the visit, which returns the
 * status that ends it, if it is not OK. STATUS_NOT_FOUND: there is no inbox. STATUS_CORRUPT,
 * STATUS_UNAVAILABLE.
 */
enum status inbox_look(const struct data_folder *folder,
                       enum status (*visit)(void *owner, const struct inbox_webhook *webhook),
                       void *owner, struct error *out_error) MUST_CHECK;

#endif
