/*
 * systemctl - asks systemd to look at its files again, and to restart a unit.
 *
 * Threads:  one.
 * Memory:   none.
 * Errors:   0; -ENOENT: there is no systemctl; -EREMOTEIO: it failed, and said why itself.
 */
#ifndef RINGSIDE_SYSTEMCTL_H
#define RINGSIDE_SYSTEMCTL_H

int systemctl_reload(void);
int systemctl_restart(const char *unit); /* where it runs; else nothing */

#endif
