# The site of the suite for WEBrick: its own file handler, and two servlets.
require 'webrick'
file = ENV['SITE_CERTIFICATE'] && File.read(ENV['SITE_CERTIFICATE'])
secure = {}
if file
  require 'webrick/https'
  secure = { SSLEnable: true, SSLCertificate: OpenSSL::X509::Certificate.new(file),
             SSLPrivateKey: OpenSSL::PKey.read(file) }
end
server = WEBrick::HTTPServer.new(**secure, Port: ARGV[0].to_i, BindAddress: '127.0.0.1',
                                 DocumentRoot: ENV['SITE_WWW'],
                                 AccessLog: [[$stderr, '"%r" %s']],
                                 Logger: WEBrick::Log.new($stderr, WEBrick::Log::FATAL))
server.mount_proc('/post') { |request, reply| reply.body = "got #{request.body.to_s.bytesize}" }
server.mount_proc('/chunk') do |_, reply|
  reply.chunked = true
  reply.body = proc { |out| %w[a bc def].each { |part| out.write(part) } }
end
trap('TERM') { server.shutdown }
server.start
