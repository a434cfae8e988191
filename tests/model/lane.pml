/*
 * lane - a lane shared by two writers, their reader, and a death at any moment.
 *
 * The rules are those of ring.h; each step below is one access to shared memory. Broken on purpose:
 *   SKIP_BY_TIME   the reader passes over a hole although its writer may live
 *   HEAD_FIRST     the head's word is stored ahead of its continuation's
 *   BODY_LATE      a word is stored ahead of its body
 *   RELEASE_EARLY  the tail is released ahead of the copy
 *   SOME_ROOM      a record is begun where only its first slot has room
 */
#define SLOTS 4
#define WRITERS 2
#define RECORDS 2
#define POSITIONS 9 /* 2 × 2 records of at most 2 slots, and one: more than twice round */

#define WORD(p, k, n) (((p) + 1) * 4 + (k) * 2 + (n) - 1)
#define BODY(id, k) ((id) * 2 + (k) + 1)
#define ID(w, r) ((w) * RECORDS + (r))

byte seq[SLOTS], body[SLOTS];
byte head, tail;
bool dead;
byte finished;

/* Ghosts: what was claimed, published, and handed on. */
byte owner[POSITIONS];
bool published[WRITERS * RECORDS], delivered[WRITERS * RECORDS];
byte folded, torn;

inline store_body(p, id, k)
{
	body[(p) % SLOTS] = BODY(id, k)
}

inline store_word(p, k, n)
{
	seq[(p) % SLOTS] = WORD(p, k, n)
}

#ifdef SOME_ROOM
#define NEEDED(n) 1
#else
#define NEEDED(n) (n)
#endif

proctype writer(byte w)
{
	byte r, n, at, seen;
	bool claimed;

	{
		do
		:: r < RECORDS ->
			n = 1 + (r + w) % 2;
			claimed = false;
			at = head;
			do
			:: !claimed ->
				seen = tail;
				if
				:: at + NEEDED(n) - seen > SLOTS -> break
				:: else ->
					atomic { /* compare and swap */
						if
						:: head == at ->
							head = at + n;
							owner[at] = ID(w, r);
							claimed = true
						:: else -> at = head
						fi
					}
				fi
			:: claimed -> break
			od;
			if
			:: !claimed -> folded++
			:: else ->
#ifndef BODY_LATE
				store_body(at, ID(w, r), 0);
				if
				:: n == 2 -> store_body(at + 1, ID(w, r), 1)
				:: else
				fi;
#endif
#ifdef HEAD_FIRST
				store_word(at, 0, n);
				if
				:: n == 2 -> store_word(at + 1, 1, n)
				:: else
				fi;
#else
				if
				:: n == 2 -> store_word(at + 1, 1, n)
				:: else
				fi;
				atomic {
					store_word(at, 0, n);
					published[ID(w, r)] = true
				}
#endif
#ifdef BODY_LATE
				store_body(at, ID(w, r), 0);
				if
				:: n == 2 -> store_body(at + 1, ID(w, r), 1)
				:: else
				fi
#endif
			fi;
			r++
		:: else -> break
		od;
		finished++
	} unless { dead }
}

/* The whole process dies, all its threads at once; or it does not. */
proctype killer()
{
	if
	:: dead = true
	:: true
	fi
}

/* A word at t that begins a record. */
#define BEGINS(word, t) ((word) == WORD(t, 0, 1) || (word) == WORD(t, 0, 2))

proctype reader()
{
	byte t, n, word, first, second, i;
	bool was_dead, over;

	do
	:: !over ->
		/* Known before the look, so that nothing comes after it. */
		d_step {
			was_dead = dead;
			over = finished == WRITERS && tail == head
		}
		word = seq[t % SLOTS];
		if
		:: BEGINS(word, t) ->
			n = word % 2 + 1;
#ifdef RELEASE_EARLY
			tail = t + n;
#endif
			first = body[t % SLOTS];
			second = 0;
			if
			:: n == 2 ->
				if
				:: seq[(t + 1) % SLOTS] == WORD(t + 1, 1, 2) ->
					second = body[(t + 1) % SLOTS]
				:: else -> torn++
				fi
			:: else
			fi;
			d_step {
				assert(torn == 0);
				assert(first == BODY(owner[t], 0));
				assert(n == 1 || second == BODY(owner[t], 1));
				assert(!delivered[owner[t]]);
				delivered[owner[t]] = true;
				t = t + n
			}
			tail = t
		:: else ->
			if
#ifdef SKIP_BY_TIME
			:: true ->
#else
			:: was_dead ->
#endif
				/* The next head within the lane, or the end. */
				i = 1;
				do
				:: i < SLOTS && !BEGINS(seq[(t + i) % SLOTS], t + i) -> i++
				:: else -> break
				od;
				if
				:: i < SLOTS -> t = t + i; tail = t
				:: else -> over = over || was_dead
				fi
			:: !was_dead -> skip
			fi
		fi
	:: else -> break
	od;
	skip; /* no jump into a d_step */
	d_step {
		i = 0;
		first = 0;
		do
		:: i < WRITERS * RECORDS ->
			assert(!published[i] || delivered[i]);
			first = first + delivered[i];
			i++
		:: else -> break
		od;
		/* Nobody died: all that was offered came, or was folded. */
		assert(was_dead || first + folded == WRITERS * RECORDS)
	}
}

init
{
	atomic {
		run writer(0);
		run writer(1);
		run killer();
		run reader()
	}
}
