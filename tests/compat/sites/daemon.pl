# The site of the suite for HTTP::Daemon: one connection at a time.
use strict;
use warnings;
use HTTP::Daemon;
use HTTP::Response;
my $www = $ENV{SITE_WWW};
$SIG{PIPE} = 'IGNORE';
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], ReuseAddr => 1,
	Listen => 64) or die $!;
while (my $connection = $daemon->accept) {
	while (my $request = $connection->get_request) {
		my $path = $request->uri->path;
		if ($request->method eq 'POST') {
			$connection->send_response(
				HTTP::Response->new(200, 'OK', undef, 'got ' . length $request->content));
		} elsif ($path eq '/chunk') {
			my @parts = qw(a bc def);
			$connection->send_response(HTTP::Response->new(200, 'OK', undef, sub { shift @parts }));
		} else {
			$connection->send_file_response($www . $path);
		}
	}
	$connection->close;
}
