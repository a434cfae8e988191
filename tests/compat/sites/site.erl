#!/usr/bin/env escript
%% The site of the suite for Erlang's inets.
main([Port, Root, WWW]) ->
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = inets:start(httpd, [{port, list_to_integer(Port)}, {bind_address, {127, 0, 0, 1}},
                                  {server_name, "site"}, {server_root, Root},
                                  {document_root, WWW}]),
    receive stop -> ok end.
