/* address_guard.h - which network addresses a call to the outside may not go to. */
#ifndef ADAPTER_ADDRESS_GUARD_H
#define ADAPTER_ADDRESS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

/*
 * Why an address is not one of the public internet: "loopback", "private", "link-local",
 * "multicast", "metadata", "special" (IANA's special-purpose registries), "not of the internet"
 * (another family, or too short to be one). NULL: it is public. Static strings.
 *
 * IPv4 inside IPv6 (mapped, and NAT64's well-known prefix) is judged by the IPv4 address; 6to4
 * and Teredo, which carry one too, are "special". Of IPv6 only 2000::/3 is public. "metadata" is
 * where clouds keep the credentials of the machine, outside the ranges refused anyway.
 */
const char *address_special(const struct sockaddr *address, size_t size);

#endif
