# Makes the calls of its second argument, [[method, argument...]...] in JSON, one after the other
# with RPC::XML::Client, and prints what came of each: {"value": ...}, {"fault": [code, text]} or
# {"error": text}.
#
#     perl calls.pl URL CALLS

use strict;
use warnings;

use JSON::PP;
use RPC::XML;
use RPC::XML::Client;

my ($url, $calls) = @ARGV;
my $client = RPC::XML::Client->new($url);
my $json = JSON::PP->new->utf8->allow_nonref->canonical;

# What the client does not find out by itself: which values are booleans.
sub typed {
    my ($value) = @_;
    return JSON::PP::is_bool($value) ? RPC::XML::boolean->new($value ? 1 : 0) : $value;
}

my @outcomes;
for my $call (@{ $json->decode($calls) }) {
    my ($method, @arguments) = @{$call};
    my $answer = $client->send_request($method, map { typed($_) } @arguments);
    push @outcomes,
          !ref $answer       ? { error => $answer }
        : $answer->is_fault  ? { fault => [ int $answer->code, $answer->string ] }
        :                      { type => ref $answer, value => $answer->value };
}
print $json->encode(\@outcomes);
