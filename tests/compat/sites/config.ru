# The site of the suite for Rack.
www = ENV['SITE_WWW']
run(lambda do |env|
  path = env['PATH_INFO']
  if env['REQUEST_METHOD'] == 'POST'
    body = "got #{env['rack.input'].read.bytesize}"
    [200, { 'Content-Length' => body.bytesize.to_s }, [body]]
  elsif path == '/chunk'
    [200, {}, %w[a bc def].each]
  elsif ['/small.txt', '/big.bin'].include?(path)
    body = File.binread(www + path)
    [200, { 'Content-Length' => body.bytesize.to_s }, env['REQUEST_METHOD'] == 'HEAD' ? [] : [body]]
  else
    [404, { 'Content-Length' => '5' }, ["none\n"]]
  end
end)
