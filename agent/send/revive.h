/*
 * revive - asks systemd to restart a unit, and waits for how that went. libsystemd's only user.
 *
 * Threads:  one; it blocks until the job of the unit is over.
 * Memory:   none that outlives the process it is called in.
 * Errors:   in text: systemd's own words, or why there is nobody to ask.
 * Source:   org.freedesktop.systemd1(5): Manager.RestartUnit, and the signal JobRemoved.
 */
#ifndef SEND_REVIVE_H
#define SEND_REVIVE_H

#include <stddef.h>

/* An exit code, 0: it was restarted. */
int revive_unit(const char *unit, char *text, size_t size);

#endif
