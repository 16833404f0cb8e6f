import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'

const salt = randomBytes(16)
const digest = (password) => scryptSync(password, salt, 32)

// A demo: the password is the name.
export const users = [
  { id: 1, name: 'nora', isStaff: false, isSuperuser: false },
  { id: 2, name: 'stan', isStaff: true, isSuperuser: false },
  { id: 3, name: 'susan', isStaff: true, isSuperuser: true },
].map((user) => ({ ...user, password: digest(user.name) }))

passport.use(
  new Strategy((name, password, done) => {
    const user = users.find((one) => one.name === name)
    done(null, user && timingSafeEqual(user.password, digest(password)) ? user : false)
  }),
)
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, users.find((user) => user.id === id) ?? false))

const routes = express.Router()
routes.get('/sign-in', (req, res) => res.render('sign-in', { user: req.user, failed: 'failed' in req.query }))
routes.post(
  '/sign-in',
  express.urlencoded({ extended: false }),
  passport.authenticate('local', { successRedirect: '/', failureRedirect: '/sign-in?failed' }),
)
routes.post('/sign-out', (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect('/'))))

export const signIn = {
  session: [
    session({
      secret: randomBytes(32).toString('hex'),
      resave: false,
      saveUninitialized: false,
      cookie: { sameSite: 'lax', httpOnly: true },
    }),
    passport.session(),
  ],
  routes,
}

export function staffOnly(req, res, next) {
  if (req.user?.isStaff) next()
  else res.redirect('/sign-in')
}
