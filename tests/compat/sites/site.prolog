% The site of the suite for SWI-Prolog. A handler that says what its server says too: /chunk is chunked twice.
:- use_module(library(http/thread_httpd)).
:- use_module(library(http/http_dispatch)).
:- use_module(library(http/http_client)).
:- http_handler(root(post), post, []).
:- http_handler(root(chunk), chunk, [chunked]).
:- http_handler(root('small.txt'), file('/small.txt'), []).
:- http_handler(root('big.bin'), file('/big.bin'), []).
:- initialization(main).

post(Request) :-
	http_read_data(Request, Body, [to(codes)]),
	length(Body, Length),
	format('Content-Type: text/plain~n~ngot ~w', [Length]).
chunk(_) :-
	format('Content-Type: text/plain~nTransfer-Encoding: chunked~n~nabc'),
	flush_output,
	format(def).
file(Name, Request) :-
	getenv('SITE_WWW', Folder),
	atom_concat(Folder, Name, Path),
	http_reply_file(Path, [unsafe(true)], Request).
main :-
	current_prolog_flag(argv, [Word|_]),
	atom_number(Word, Port),
	http_server(http_dispatch, [port('127.0.0.1':Port)]),
	thread_get_message(stop).
