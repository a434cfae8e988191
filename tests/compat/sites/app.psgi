# The site of the suite for Plack's servers.
use strict;
use warnings;
my $www = $ENV{SITE_WWW};
sub {
	my $env  = shift;
	my $path = $env->{PATH_INFO};
	if ($env->{REQUEST_METHOD} eq 'POST') {
		my ($got, $part, $n) = (0);
		$got += $n while $n = $env->{'psgi.input'}->read($part, 65536);
		return [200, ['Content-Type', 'text/plain'], ["got $got"]];
	}
	if ($path eq '/chunk') {
		return sub {
			my $out = shift->([200, ['Content-Type', 'text/plain']]);
			$out->write($_) for qw(a bc def);
			$out->close;
		};
	}
	if ($path eq '/small.txt' || $path eq '/big.bin') {
		open my $file, '<:raw', "$www$path" or die;
		return [200, ['Content-Type', 'text/plain', 'Content-Length', -s $file],
			$env->{REQUEST_METHOD} eq 'HEAD' ? [] : $file];
	}
	return [404, ['Content-Type', 'text/plain', 'Content-Length', 5], ["none\n"]];
};
