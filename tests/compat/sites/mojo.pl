# The site of the suite for Mojolicious.
use Mojolicious::Lite -signatures;
app->log->level('fatal');
app->static->paths([$ENV{SITE_WWW}]);
post '/post' => sub ($c) { $c->render(data => 'got ' . length $c->req->body) };
any '/missing' => sub ($c) { $c->render(data => "none\n", status => 404) };
get '/chunk' => sub ($c) {
	$c->write_chunk('a' => sub ($c, @) { $c->write_chunk('bc' => sub ($c, @) { $c->finish }) });
};
app->start;
